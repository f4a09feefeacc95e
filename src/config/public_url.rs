//! The origin that issuers derive from — RFC 8414 §2 (issuer), RFC 6454 §4 (origin).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::{Host, Url};

/// Scheme, host and port under which people and clients reach this server.
///
/// `https`, or `http` where the host is a loopback one: `localhost`, a name
/// below it, `127.0.0.0/8`, `[::1]` (RFC 6761 §6.3, RFC 8252 §7.3). Nothing
/// else: no path, query, fragment or user. The host is in lower case, the
/// scheme's own port is left away, and there is no slash at the end: issuers
/// are made by appending to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// The text, normalised as described above.
    origin: String,
    /// Whether the scheme is `https`.
    https: bool,
    /// Host as in a URL: an IPv6 address stands in brackets.
    host: String,
    /// TCP port, the scheme's own one if none was written.
    port: u16,
}

/// Why a text is not a public URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// It does not begin with `https://` or `http://` and a host, or has characters no origin has.
    #[error("is not a URL of the form https://host or https://host:port")]
    NotUrl,
    /// `http` with a host that other machines could be reached by.
    #[error("uses http with a host that is not loopback: anyone on the way could read passwords and tokens")]
    PlainHttp,
    /// It has a path, query, fragment or user besides the origin.
    #[error("has more than an origin: leave away everything after the host and port")]
    MoreThanOrigin,
    /// Asked to derive a URL from an address that only this server knows a name for.
    #[error("cannot be derived from an address that is not loopback")]
    NotLoopback,
}

impl PublicUrl {
    /// The origin as text, without a slash at the end: `https://id.example.com`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the scheme is `https`; cookies are `Secure` exactly then.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host as in a URL: lower case, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port, also where the text leaves it away: 443 for `https`, 80 for `http`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a server that listens on a loopback address.
    ///
    /// `127.0.0.1` and `::1` are called `localhost`, because passkeys need a
    /// name; other addresses of `127.0.0.0/8` keep their number. Fails with
    /// `NotLoopback` for every other address, and for port 0.
    pub fn of_loopback(bound: SocketAddr, scheme: Scheme) -> Result<Self, PublicUrlError> {
        if !bound.ip().is_loopback() || bound.port() == 0 {
            return Err(PublicUrlError::NotLoopback);
        }
        let host = match bound.ip() {
            IpAddr::V4(address) if address.octets() != [127, 0, 0, 1] => address.to_string(),
            IpAddr::V4(_) | IpAddr::V6(_) => "localhost".to_owned(),
        };
        format!("{scheme}://{host}:{}", bound.port()).parse()
    }
}

/// The two schemes of a public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        // The URL parser forgives what a person who compares issuers would not:
        // white space, backslashes, missing and superfluous slashes, an empty user.
        let rest =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(PublicUrlError::NotUrl)?;
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '*' | '%');
        if rest.starts_with('/') || rest.contains(forbidden) {
            return Err(PublicUrlError::NotUrl);
        }
        let url = Url::parse(text).map_err(|_| PublicUrlError::NotUrl)?;
        if rest.contains(['@', '?', '#']) || rest.trim_end_matches('/').contains('/') || rest.ends_with("//") {
            return Err(PublicUrlError::MoreThanOrigin);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(PublicUrlError::NotUrl);
        };
        if port == 0 || host.to_string().ends_with('.') {
            return Err(PublicUrlError::NotUrl);
        }
        let https = url.scheme() == "https";
        if !https && !is_loopback(&host) {
            return Err(PublicUrlError::PlainHttp);
        }
        Ok(Self { origin: url.origin().ascii_serialization(), https, host: host.to_string(), port })
    }
}

/// Whether the host can only mean this machine (RFC 6761 §6.3 for the names).
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
