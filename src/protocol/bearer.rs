//! Bearer tokens in requests, and what is said when they do not serve — RFC 6750 §2, §3.
//!
//! `Stricter:` a token in the query (§2.3) is refused.

use super::error_code::ErrorCode;
use super::params::Params;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// §3.1: nothing was shown; no error code then.
    #[error("no access token in the request")]
    Missing,
    /// §2: more than one method, or a malformed header.
    #[error("the access token must come in one place, in the form of RFC 6750 section 2.1 or 2.2")]
    Malformed,
    /// §3.1.
    #[error("the access token is expired, revoked, malformed or not meant for this")]
    Invalid,
    /// §3.1.
    #[error("the access token has not the scope {0}")]
    Scope(&'static str),
}

impl BearerError {
    /// RFC 6750 §3.1: none where no token was shown.
    pub const fn code(self) -> Option<ErrorCode> {
        match self {
            Self::Missing => None,
            Self::Malformed => Some(ErrorCode::InvalidRequest),
            Self::Invalid => Some(ErrorCode::InvalidToken),
            Self::Scope(_) => Some(ErrorCode::InsufficientScope),
        }
    }

    /// RFC 6750 §3.1.
    pub const fn status(self) -> u16 {
        match self {
            Self::Missing | Self::Invalid => 401,
            Self::Malformed => 400,
            Self::Scope(_) => 403,
        }
    }

    /// The `WWW-Authenticate` header (§3).
    pub fn challenge(self, issuer: &str) -> String {
        let realm = format!("Bearer realm=\"{issuer}\"");
        match (self.code(), self) {
            (None, _) => realm,
            (Some(code), Self::Scope(scope)) => {
                format!("{realm}, error=\"{}\", error_description=\"{self}\", scope=\"{scope}\"", code.as_str())
            }
            (Some(code), _) => format!("{realm}, error=\"{}\", error_description=\"{self}\"", code.as_str()),
        }
    }
}

/// Finds the token of a request (§2.1, §2.2): one header with one space after the scheme, or one
/// parameter of a form body, never both.
///
/// # Errors
/// `Missing` or `Malformed`.
pub fn read<'a>(
    authorization: &[&'a str],
    query: Option<&str>,
    body: Option<&'a Params>,
) -> Result<&'a str, BearerError> {
    // §2.3: we do not take it from there, and say so instead of passing over it.
    let named = |query: &str| url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token");
    let in_query = query.is_some_and(named);
    if in_query || authorization.len() > 1 {
        return Err(BearerError::Malformed);
    }
    let in_body = body.and_then(|params| params.get("access_token"));
    let token = match (authorization.first(), in_body) {
        (None, None) => return Err(BearerError::Missing),
        (Some(_), Some(_)) => return Err(BearerError::Malformed),
        (None, Some(token)) => token,
        (Some(header), None) => {
            let (scheme, token) = header.split_once(' ').ok_or(BearerError::Malformed)?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(BearerError::Missing);
            }
            token
        }
    };
    // §2.1: b64token.
    let b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let unpadded = token.trim_end_matches('=');
    if unpadded.is_empty() || token.len() > MAX_TOKEN || !unpadded.bytes().all(b64token) {
        return Err(BearerError::Malformed);
    }
    Ok(token)
}
