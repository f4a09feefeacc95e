//! Client credentials grant — RFC 6749 §4.4, RFC 8707 §2.2.
//!
//! `Stricter:` no refresh token (§4.4.3 says SHOULD NOT).

use super::client::Client;
use super::error_code::ErrorCode;
use super::params::Params;
use super::resource_indicator::{self, ResourceError};
use super::scope::{OFFLINE_ACCESS, OPENID, Scope};

/// Why the grant is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientCredentialsError {
    /// Malformed, or nothing in it that the client may have.
    #[error("scope is malformed, or the client may not ask for any of it")]
    Scope,
    /// RFC 8707.
    #[error("{0}")]
    Resource(#[from] ResourceError),
}

impl ClientCredentialsError {
    /// RFC 6749 §5.2.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Scope => ErrorCode::InvalidScope,
            Self::Resource(error) => error.code(),
        }
    }
}

/// What the client asks for itself.
#[derive(Debug)]
pub struct ClientCredentialsRequest {
    /// The scope it gets.
    pub scope: Scope,
    /// The resources it is for.
    pub resources: Vec<String>,
}

/// Reads and checks the request: the scope is what was asked for within what was registered, or all of
/// the latter (RFC 6749 §3.3), without the scopes that only make sense for a person.
///
/// # Errors
/// See [`ClientCredentialsError`].
pub fn check(
    params: &Params,
    client: &Client,
    known_resources: impl Fn(&str) -> bool,
) -> Result<ClientCredentialsRequest, ClientCredentialsError> {
    let of_people = Scope::parse(&format!("{OPENID} {OFFLINE_ACCESS} profile email address phone")).unwrap_or_default();
    let allowed = client.metadata.scope.without(&of_people);
    let scope = match params.get("scope") {
        None => allowed,
        Some(text) => {
            let asked = Scope::parse(text).map_err(|_| ClientCredentialsError::Scope)?;
            let given = asked.within(&allowed);
            if given.is_empty() && !asked.is_empty() {
                return Err(ClientCredentialsError::Scope);
            }
            given
        }
    };
    let resources = resource_indicator::parse(params.all("resource"))?;
    if !resources.iter().all(|resource| known_resources(resource)) {
        return Err(ResourceError::Unknown.into());
    }
    Ok(ClientCredentialsRequest { scope, resources })
}
