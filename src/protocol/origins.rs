//! The web origins of a tenant's clients: whose pages may read a refusal — CONTRACT, behaviour 7.

use std::collections::HashSet;

use url::Url;

use super::redirect_uri::loopback_parts;

/// The origins of redirect URIs, each once, whichever client has registered them.
#[derive(Debug, Default)]
pub struct Origins {
    exact: HashSet<String>,
    /// The loopback addresses of native clients, for which any port will do (RFC 8252 §7.3).
    any_port: HashSet<String>,
}

impl Origins {
    /// Adds the origin of a redirect URI. One of a private scheme has none.
    pub fn add(&mut self, redirect_uri: &str, native: bool) {
        if let Some((address, _)) = loopback_parts(redirect_uri).filter(|_| native) {
            self.any_port.insert(address.to_owned());
        }
        let url = Url::parse(redirect_uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        self.exact.extend(url.map(|url| url.origin().ascii_serialization()));
    }

    /// Whether `origin`, as a browser sends it (RFC 6454 §7.1), is one of them.
    pub fn allows(&self, origin: &str) -> bool {
        let loopback = loopback_parts(origin).filter(|(_, after)| after.is_empty());
        self.exact.contains(origin) || loopback.is_some_and(|(address, _)| self.any_port.contains(address))
    }
}
