//! Redirect URIs — RFC 6749 §3.1.2, RFC 9700 §2.1 and §2.6, RFC 8252 §7, OpenID Connect Registration §2.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest redirect URI, in bytes.
const MAX_LENGTH: usize = 2048;

/// Parameters of the authorization response: a registered URI that already carries one could not be
/// told from the answer itself.
const RESPONSE_PARAMETERS: [&str; 9] =
    ["code", "state", "iss", "error", "error_description", "error_uri", "access_token", "id_token", "response"];

/// Schemes that a browser or the system handles itself; never the address of an application.
const FORBIDDEN_SCHEMES: [&str; 12] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "view-source",
    "ftp",
    "ws",
    "wss",
    "mailto",
    "filesystem",
];

/// Why a redirect URI cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// RFC 6749 §3.1.2: an absolute URI.
    #[error("is not an absolute URI of printable ASCII without spaces or backslashes, or is longer than 2048 bytes")]
    NotAbsolute,
    /// RFC 6749 §3.1.2: no fragment.
    #[error("has a fragment, which RFC 6749 §3.1.2 forbids")]
    Fragment,
    /// A user name or password before the host.
    #[error("has a user name or password before the host")]
    UserInfo,
    /// A `*`: URIs are compared byte for byte, a wildcard would never match.
    #[error("has a wildcard in its host; redirect URIs are compared byte for byte (RFC 9700 §2.1)")]
    Wildcard,
    /// The query already has a parameter of the authorization response.
    #[error("has a query parameter named like one of the authorization response")]
    ResponseParameter,
    /// `javascript:` and its like.
    #[error("has a scheme that no application can own")]
    Scheme,
    /// RFC 9700 §2.6: `http` only to a loopback address.
    #[error("uses http, which is allowed to loopback addresses alone (RFC 8252 §7.3, RFC 9700 §2.6)")]
    Http,
    /// OpenID Connect Registration §2: a web client that registers itself has no address on the person's machine.
    #[error("leads to a loopback address, which only native clients may register (OpenID Connect Registration §2)")]
    WebLoopback,
    /// RFC 8252 §7.1: private-use schemes are for native clients and contain a dot.
    #[error("uses a private-use scheme without a dot or for a web client (RFC 8252 §7.1)")]
    PrivateUse,
    /// Dot segments or an encoded slash, dot or backslash in the path.
    #[error("has dot segments or an encoded slash, dot or backslash in its path")]
    Path,
}

/// A redirect URI: absolute, without fragment (RFC 6749 §3.1.2).
///
/// It keeps the exact text and is equal only to the same text: a parsed URL would forgive case and
/// dots where RFC 9700 §2.1 forgives nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Reads a redirect URI that is to be registered for a client of `application_type`.
    ///
    /// `Choice:` (RFC 9700 §2.6 lets native clients alone) an administrator may give a web client `http` to a loopback
    /// address: that is where it runs while it is developed, and such an answer leaves no machine. Clients that
    /// register themselves may not: [`RedirectUri::check_self_registered`].
    ///
    /// # Errors
    /// See [`RedirectUriError`].
    pub fn register(text: &str, application_type: ApplicationType) -> Result<Self, RedirectUriError> {
        let url = absolute(text)?;
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(RedirectUriError::UserInfo);
        }
        if authority(text).contains('*') {
            return Err(RedirectUriError::Wildcard);
        }
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref())) {
            return Err(RedirectUriError::ResponseParameter);
        }
        refuse_path_tricks(text)?;
        match (url.scheme(), application_type) {
            ("https", _) => {}
            ("http", _) if is_loopback(&url) => {}
            ("http", _) => return Err(RedirectUriError::Http),
            (scheme, _) if FORBIDDEN_SCHEMES.contains(&scheme) => return Err(RedirectUriError::Scheme),
            (scheme, ApplicationType::Native) if scheme.contains('.') => {}
            (_, ApplicationType::Native | ApplicationType::Web) => return Err(RedirectUriError::PrivateUse),
        }
        Ok(Self(text.to_owned()))
    }

    /// The rule beside those of [`RedirectUri::register`] for a client that registers itself (OpenID Connect
    /// Registration §2, `application_type`; RFC 9700 §2.6): a web client has `https` addresses, none of them loopback.
    ///
    /// # Errors
    /// `WebLoopback`.
    pub fn check_self_registered(&self, application_type: ApplicationType) -> Result<(), RedirectUriError> {
        match application_type {
            ApplicationType::Web if self.is_native() => Err(RedirectUriError::WebLoopback),
            ApplicationType::Web | ApplicationType::Native => Ok(()),
        }
    }

    /// Whether a request that says `asked` means this registered URI.
    ///
    /// Byte for byte (RFC 9700 §2.1); the only freedom is the port of a loopback IP address, for
    /// native clients (RFC 8252 §7.3).
    pub fn admits(&self, asked: &str, application_type: ApplicationType) -> bool {
        if self.0 == asked {
            return true;
        }
        if application_type == ApplicationType::Web {
            return false;
        }
        match (loopback_parts(&self.0), loopback_parts(asked)) {
            (Some(registered), Some(asked)) => registered == asked,
            _ => false,
        }
    }

    /// A URI that [`RedirectUri::admits`] has let in, kept as it was asked for.
    #[must_use]
    pub fn as_asked(&self, asked: &str, application_type: ApplicationType) -> Option<Self> {
        self.admits(asked, application_type).then(|| Self(asked.to_owned()))
    }

    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The web origin (`https://host:port`), or the scheme alone (`com.example.app:`) for a
    /// private-use scheme: what a `form-action` source needs.
    pub fn origin(&self) -> String {
        match Url::parse(&self.0) {
            Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => url.origin().ascii_serialization(),
            Ok(url) => format!("{}:", url.scheme()),
            Err(_) => String::new(),
        }
    }

    /// Whether the URI leads to a loopback address or a private-use scheme (CONTRACT, behaviour 6).
    pub fn is_native(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| match url.scheme() {
            "http" | "https" => is_loopback(&url),
            _ => true,
        })
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The kind of a client (OpenID Connect Registration §2, `application_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationType {
    /// Runs on a web server or in a browser.
    #[default]
    Web,
    /// Installed on a device (RFC 8252).
    Native,
}

fn absolute(text: &str) -> Result<Url, RedirectUriError> {
    let plain = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && !b"\\\"<>^`{|}".contains(&byte));
    if !plain || text.len() > MAX_LENGTH {
        return Err(RedirectUriError::NotAbsolute);
    }
    let url = Url::parse(text).map_err(|_| RedirectUriError::NotAbsolute)?;
    // The reader of URLs forgives `https:host` and `https:/host`; RFC 3986 §3 does not.
    let slashes = text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://"));
    if matches!(url.scheme(), "http" | "https") && !(slashes && url.has_host() && !authority(text).is_empty()) {
        return Err(RedirectUriError::NotAbsolute);
    }
    Ok(url)
}

/// What stands between `://` and the next `/`, `?` or `#`, as written.
fn authority(text: &str) -> &str {
    let Some((_, rest)) = text.split_once("://") else { return "" };
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn refuse_path_tricks(text: &str) -> Result<(), RedirectUriError> {
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let dots = path.split('/').any(|segment| {
        let segment = segment.split(';').next().unwrap_or_default();
        segment == "." || segment == ".."
    });
    let encoded = ["%2e", "%2f", "%5c"].iter().any(|trick| path.contains(trick));
    if dots || encoded { Err(RedirectUriError::Path) } else { Ok(()) }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The text before and after the port of `http://127.0.0.1` or `http://[::1]`.
///
/// `Choice:` `localhost` has no freedom of port: RFC 8252 §8.3 advises against the name.
pub(super) fn loopback_parts(text: &str) -> Option<(&str, &str)> {
    let host = ["http://127.0.0.1", "http://[::1]"].into_iter().find(|host| text.starts_with(host))?;
    let rest = text.get(host.len()..)?;
    let after = match rest.strip_prefix(':') {
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            let number = port.get(..digits)?;
            if number.parse::<u16>().is_err() || number.starts_with('0') {
                return None;
            }
            port.get(digits..)?
        }
        None => rest,
    };
    (after.is_empty() || after.starts_with('/') || after.starts_with('?')).then_some((host, after))
}
