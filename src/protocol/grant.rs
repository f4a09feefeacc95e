//! A grant: what one person (or a client for itself) allowed at one time, and the refresh tokens that come of it.

use serde::{Deserialize, Serialize};

use super::claims_request::ClaimsRequest;
use super::identifiers::{ClientId, GrantId, SessionId, UserId};
use super::scope::Scope;
use super::timestamp::Timestamp;

/// How and when a person proved who they are (OpenID Connect Core §2: `auth_time`, `acr`, `amr`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// When.
    pub at: Timestamp,
    /// Authentication context class.
    pub acr: String,
    /// Methods, by their names of RFC 8176.
    pub amr: Vec<String>,
}

/// What a person allowed a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// The person.
    pub user_id: UserId,
    /// The session in which it happened.
    pub session_id: SessionId,
    /// The scope.
    pub scope: Scope,
    /// The resources (RFC 8707), as they were asked for.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Claims asked for by name.
    #[serde(default)]
    pub claims: ClaimsRequest,
    /// How the person signed in.
    pub authentication: Authentication,
    /// The `nonce` of the request, echoed in the first ID token (OpenID Connect Core §3.1.3.6).
    #[serde(default)]
    pub nonce: Option<String>,
}

/// A grant as it is stored, with its refresh token family.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Which.
    pub id: GrantId,
    /// To whom.
    pub client_id: ClientId,
    /// What.
    pub allowed: Allowed,
    /// When it began.
    pub created_at: Timestamp,
    /// When its refresh tokens end in any case.
    pub expires_at: Timestamp,
    /// When its refresh tokens end if not used.
    pub idle_expires_at: Timestamp,
    /// The number of the live refresh token; 0 if the grant has none.
    pub generation: u32,
    /// When that one became live.
    pub rotated_at: Timestamp,
    /// When the grant was ended: by revocation, sign-out, reuse or an administrator.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    /// Whether tokens of this grant still count.
    pub const fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }
}
