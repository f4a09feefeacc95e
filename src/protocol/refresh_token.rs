//! Refresh tokens — RFC 6749 §6, RFC 9700 §4.14.2, RFC 8707 §2.2.
//!
//! A refresh token names its grant (the family) and its number in it, under a keyed hash of the
//! tenant. So the successor of a token is derived, not stored: the same one can be given twice to a
//! client whose first answer was lost (invariant I3), and the database holds nothing that can be used.
//!
//! Rules: the live number is rotated; its direct predecessor gets the same successor again within
//! the grace time, as long as that successor has not been used; everything else that was once valid
//! is reuse and ends the family (invariant I2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::client::GrantType;
use super::client_authentication::AuthenticatedClient;
use super::error_code::ErrorCode;
use super::grant::Grant;
use super::identifiers::{ClientId, GrantId};
use super::params::Params;
use super::resource_indicator::{self, ResourceError};
use super::scope::Scope;
use super::secret::{Secret, equal_in_constant_time};
use super::timestamp::Timestamp;
use crate::seal::KeyedHash;

/// Every refresh token begins so, that scanners for leaked secrets may know it.
const PREFIX: &str = "crt_";
/// Bytes before the keyed hash: grant and number.
const NAME_BYTES: usize = 20;

/// Why a refresh token gives nothing. All sound alike on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// No `refresh_token`.
    #[error("refresh_token is missing")]
    Missing,
    /// Not a refresh token of this tenant.
    #[error("unknown refresh token")]
    Unknown,
    /// Issued to another client (§6).
    #[error("the refresh token was issued to client {0}")]
    OtherClient(ClientId),
    /// Past its lifetime or not used for too long.
    #[error("the refresh token of grant {0} has expired")]
    Expired(GrantId),
    /// The grant was ended.
    #[error("grant {0} was ended")]
    Revoked(GrantId),
    /// Used before, outside of the grace rule: the family ends.
    #[error("refresh token {generation} of grant {grant} was used again; the family is ended")]
    Reused {
        /// The family.
        grant: GrantId,
        /// The number that came again.
        generation: u32,
    },
    /// §6: more scope than was granted.
    #[error("scope is malformed or exceeds what was granted")]
    Scope,
    /// RFC 8707 §2.2.
    #[error("{0}")]
    Resource(#[from] ResourceError),
}

impl RefreshError {
    /// RFC 6749 §5.2.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::InvalidRequest,
            Self::Scope => ErrorCode::InvalidScope,
            Self::Resource(error) => error.code(),
            Self::Unknown | Self::OtherClient(_) | Self::Expired(_) | Self::Revoked(_) | Self::Reused { .. } => {
                ErrorCode::InvalidGrant
            }
        }
    }
}

/// A refresh token that carries our keyed hash: its family and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The family.
    pub grant: GrantId,
    /// Its number, from 1.
    pub generation: u32,
}

impl RefreshToken {
    /// Reads a token and checks its keyed hash; `None` for anything that we did not make.
    pub fn parse(text: &str, key: &KeyedHash) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (number, _) = rest.split_first_chunk::<4>()?;
        let token = Self { grant: GrantId(Uuid::from_bytes(*id)), generation: u32::from_be_bytes(*number) };
        (bytes.len() == NAME_BYTES + 32 && equal_in_constant_time(token.text(key).expose(), text)).then_some(token)
    }

    /// The token's text: the same for the same family and number, always.
    pub fn text(self, key: &KeyedHash) -> Secret {
        let number = self.generation.to_be_bytes();
        let mut bytes = Vec::with_capacity(NAME_BYTES + 32);
        bytes.extend_from_slice(self.grant.0.as_bytes());
        bytes.extend_from_slice(&number);
        bytes.extend_from_slice(&key.of(&[self.grant.0.as_bytes(), &number]));
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}

/// A request to refresh.
#[derive(Debug)]
pub struct RefreshRequest {
    /// The token.
    pub token: RefreshToken,
    scope: Option<Scope>,
    resources: Vec<String>,
}

impl RefreshRequest {
    /// Reads the parameters of §6 and RFC 8707 §2.2.
    ///
    /// # Errors
    /// `Missing`, `Unknown`, `Scope` or a malformed resource.
    pub fn parse(params: &Params, key: &KeyedHash) -> Result<Self, RefreshError> {
        let text = params.get("refresh_token").ok_or(RefreshError::Missing)?;
        Ok(Self {
            token: RefreshToken::parse(text, key).ok_or(RefreshError::Unknown)?,
            scope: params.get("scope").map(Scope::parse).transpose().map_err(|_| RefreshError::Scope)?,
            resources: resource_indicator::parse(params.all("resource"))?,
        })
    }
}

/// What the store has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Make the successor live, on condition that the presented token still is.
    Rotate,
    /// Give the live token again: the answer that carried it was lost.
    Repeat,
}

/// A refresh that is allowed.
#[derive(Debug)]
pub struct Refreshed {
    /// What the store has to do.
    pub rotation: Rotation,
    /// The token that the client gets.
    pub successor: RefreshToken,
    /// The scope of the access token.
    pub scope: Scope,
    /// The resources of the access token.
    pub resources: Vec<String>,
}

/// The checks of §6, then those of the family.
///
/// `grace` is in seconds. The result holds for the grant as it was loaded; the store's condition
/// decides whether it still is so.
///
/// # Errors
/// The first check that fails. `Reused` obliges the caller to end the family.
pub fn check(
    request: &RefreshRequest,
    grant: &Grant,
    client: &AuthenticatedClient,
    grace: u32,
    now: Timestamp,
) -> Result<Refreshed, RefreshError> {
    let generation = request.token.generation;
    // §6: issued to the authenticated client.
    if grant.client_id != *client.id() || !client.client().may_use(GrantType::RefreshToken) {
        return Err(RefreshError::OtherClient(grant.client_id.clone()));
    }
    if !grant.is_live() {
        return Err(RefreshError::Revoked(grant.id));
    }
    if grant.expires_at <= now || grant.idle_expires_at <= now {
        return Err(RefreshError::Expired(grant.id));
    }
    // A number that was never given out cannot carry our hash; all the same it gives nothing.
    if generation == 0 || generation > grant.generation {
        return Err(RefreshError::Unknown);
    }
    // A request may have begun in the second before the one in which another rotated: no time has passed then, not less.
    let elapsed = now.since(grant.rotated_at).max(0);
    let rotation = if generation == grant.generation {
        Rotation::Rotate
    } else if generation.checked_add(1) == Some(grant.generation) && elapsed < i64::from(grace) {
        // I3: the direct predecessor, in time, and its successor unused: a used one would not be the live one.
        Rotation::Repeat
    } else {
        return Err(RefreshError::Reused { grant: grant.id, generation });
    };
    // §6: the scope must not include any scope not originally granted.
    let scope = match &request.scope {
        None => grant.allowed.scope.clone(),
        Some(scope) if !scope.is_empty() && scope.is_within(&grant.allowed.scope) => scope.clone(),
        Some(_) => return Err(RefreshError::Scope),
    };
    let resources = resource_indicator::narrow(request.resources.clone(), &grant.allowed.resources)?;
    let successor = match rotation {
        Rotation::Rotate => RefreshToken { grant: grant.id, generation: generation.saturating_add(1) },
        Rotation::Repeat => RefreshToken { grant: grant.id, generation: grant.generation },
    };
    Ok(Refreshed { rotation, successor, scope, resources })
}
