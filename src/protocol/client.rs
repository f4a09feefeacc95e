//! A registered client: what the server knows of it, ready for decisions — RFC 6749 §2, RFC 7591 §2.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::client_metadata::ClientMetadata;
use super::identifiers::ClientId;
use super::json_web_key::KeySet;
use super::secret::SecretHash;
use super::timestamp::Timestamp;

/// How a client authenticates at the token endpoint (RFC 7591 §2, OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthenticationMethod {
    /// A public client: it names itself only.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// In the body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A JWT under the secret (OpenID Connect Core §9).
    ClientSecretJwt,
    /// A JWT under the client's own key (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl ClientAuthenticationMethod {
    /// Every method, in the order metadata lists them.
    pub const ALL: [Self; 5] =
        [Self::ClientSecretBasic, Self::ClientSecretPost, Self::ClientSecretJwt, Self::PrivateKeyJwt, Self::None];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Reads the registered name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// Whether the method needs a client secret.
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }
}

/// A grant type (RFC 6749 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl GrantType {
    /// Every grant that the token endpoint knows.
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// Reads the registered name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// Who made a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    /// An administrator: by `apply` or the command line.
    Administrator,
    /// The client itself (RFC 7591).
    Dynamic,
}

impl ClientOrigin {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Dynamic => "dynamic",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Administrator, Self::Dynamic].into_iter().find(|origin| origin.as_str() == text)
    }
}

/// A client of one tenant.
#[derive(Debug)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// What was registered.
    pub metadata: ClientMetadata,
    /// Who made it.
    pub origin: ClientOrigin,
    /// The hash of its secret, if it has one.
    pub secret_hash: Option<SecretHash>,
    /// The secret itself, only for `client_secret_jwt`, whose MAC cannot be checked with a hash.
    pub mac_secret: Option<Zeroizing<Vec<u8>>>,
    /// The keys it registered by value, parsed once.
    pub keys: Option<Arc<KeySet>>,
    /// The hash of its registration access token (RFC 7592 §3).
    pub registration_token_hash: Option<SecretHash>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// False once an administrator has switched it off.
    pub enabled: bool,
    /// Raised by each change: a change that was decided on this client finds it as it was, or is not made.
    pub version: i64,
}

impl Client {
    /// Whether the client can keep no secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.metadata.token_endpoint_auth_method == ClientAuthenticationMethod::None
    }

    /// Whether the client registered for `grant`.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// What people read on pages: its name, or else its identifier.
    pub fn display_name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or_else(|| self.id.as_str())
    }
}
