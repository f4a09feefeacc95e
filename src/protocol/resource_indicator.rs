//! Resource indicators — RFC 8707 §2.

use url::Url;

use super::error_code::ErrorCode;

/// Most resources in one request.
const MAX_RESOURCES: usize = 16;
/// Longest resource, in bytes.
const MAX_LENGTH: usize = 2048;

/// Why the `resource` parameters are refused; always `invalid_target`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// RFC 8707 §2: an absolute URI without fragment.
    #[error("resource must be an absolute URI without fragment")]
    NotAbsolute,
    /// Not an API that this tenant knows.
    #[error("the requested resource is unknown here")]
    Unknown,
    /// Not among those granted (RFC 8707 §2.2).
    #[error("the requested resource was not granted")]
    NotGranted,
    /// More than we read.
    #[error("more than {MAX_RESOURCES} resources")]
    TooMany,
}

impl ResourceError {
    /// RFC 8707 §2.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidTarget
    }
}

/// Reads the `resource` parameters of a request: each absolute, without fragment, kept and compared
/// exactly as sent (CONTRACT, behaviour 3).
///
/// # Errors
/// `NotAbsolute` or `TooMany`.
pub fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Result<Vec<String>, ResourceError> {
    let mut resources: Vec<String> = Vec::new();
    for value in values {
        // §2: an absolute URI, as of RFC 3986 §4.3, and no fragment.
        let absolute = value.len() <= MAX_LENGTH
            && value.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
            && Url::parse(value).is_ok();
        if !absolute || value.contains('#') {
            return Err(ResourceError::NotAbsolute);
        }
        if !resources.iter().any(|known| known == value) {
            resources.push(value.to_owned());
        }
        if resources.len() > MAX_RESOURCES {
            return Err(ResourceError::TooMany);
        }
    }
    Ok(resources)
}

/// The resources of a token request within those of the grant: all of them unless some are named (§2.2).
///
/// # Errors
/// `NotGranted` for one outside of the grant.
pub fn narrow(asked: Vec<String>, granted: &[String]) -> Result<Vec<String>, ResourceError> {
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    if asked.iter().all(|resource| granted.contains(resource)) { Ok(asked) } else { Err(ResourceError::NotGranted) }
}
