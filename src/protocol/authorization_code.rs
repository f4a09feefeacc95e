//! Authorization code grant, its token half — RFC 6749 §4.1.2 and §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2.
//!
//! Whether a code was used before is not decided here: only the store's conditional write can know.

use super::client::GrantType;
use super::client_authentication::AuthenticatedClient;
use super::error_code::ErrorCode;
use super::grant::Allowed;
use super::identifiers::{ClientId, GrantId};
use super::params::Params;
use super::proof_key::{self, CodeChallenge, ProofKeyError};
use super::resource_indicator::{self, ResourceError};
use super::secret::Secret;
use super::timestamp::Timestamp;

/// Longest code that is looked up, in bytes.
const MAX_CODE: usize = 512;

/// Why a code is not redeemed. Unknown, expired, used and foreign codes sound alike on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// No `code`.
    #[error("code is missing")]
    Missing,
    /// No such code in this tenant.
    #[error("unknown code")]
    Unknown,
    /// Issued to another client (§4.1.3).
    #[error("the code was issued to client {0}")]
    OtherClient(ClientId),
    /// Too late (§4.1.2).
    #[error("the code expired at {at:?}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Used before; what it gave is ended (§4.1.2).
    #[error("the code was used before; grant {0} is ended")]
    Reused(GrantId),
    /// Not the redirect URI of the authorization request (§4.1.3).
    #[error("redirect_uri differs from the one in the authorization request")]
    OtherRedirectUri,
    /// §4.1.3: it was in the authorization request, so it must come.
    #[error("redirect_uri is missing, but was in the authorization request")]
    RedirectUriMissing,
    /// RFC 7636 §4.6.
    #[error("{0}")]
    ProofKey(#[from] ProofKeyError),
    /// RFC 8707 §2.2.
    #[error("{0}")]
    Resource(#[from] ResourceError),
}

impl CodeError {
    /// RFC 6749 §5.2, RFC 7636 §4.6, RFC 8707 §2.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing | Self::RedirectUriMissing => ErrorCode::InvalidRequest,
            Self::Resource(error) => error.code(),
            Self::Unknown
            | Self::OtherClient(_)
            | Self::Expired { .. }
            | Self::Reused(_)
            | Self::OtherRedirectUri
            | Self::ProofKey(_) => ErrorCode::InvalidGrant,
        }
    }
}

/// A request to redeem a code.
#[derive(Debug)]
pub struct CodeRequest {
    /// The code.
    pub code: Secret,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    resources: Vec<String>,
}

impl CodeRequest {
    /// Reads the parameters of §4.1.3, RFC 7636 §4.5 and RFC 8707 §2.2.
    ///
    /// # Errors
    /// `Missing` or a malformed resource.
    pub fn parse(params: &Params) -> Result<Self, CodeError> {
        let code = params.get("code").ok_or(CodeError::Missing)?;
        if code.len() > MAX_CODE {
            return Err(CodeError::Unknown);
        }
        Ok(Self {
            code: Secret::new(code),
            redirect_uri: params.get("redirect_uri").map(str::to_owned),
            code_verifier: params.get("code_verifier").map(str::to_owned),
            resources: resource_indicator::parse(params.all("resource"))?,
        })
    }
}

/// A code as it was issued.
#[derive(Clone, Debug)]
pub struct IssuedCode {
    /// To whom.
    pub client_id: ClientId,
    /// The grant that its redemption begins.
    pub grant_id: GrantId,
    /// What the person allowed.
    pub allowed: Allowed,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// Whether the authorization request named it.
    pub redirect_uri_given: bool,
    /// RFC 7636.
    pub code_challenge: Option<CodeChallenge>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was redeemed, if it was.
    pub redeemed_at: Option<Timestamp>,
}

/// What a redeemed code is good for.
#[derive(Debug)]
pub struct Redeemed {
    /// The grant to begin.
    pub grant_id: GrantId,
    /// What the person allowed.
    pub allowed: Allowed,
    /// The resources of the first access token.
    pub resources: Vec<String>,
}

/// The checks of RFC 6749 §4.1.3 in its order, then PKCE's, then those of the resources.
///
/// # Errors
/// The first check that fails.
pub fn check(
    request: &CodeRequest,
    code: IssuedCode,
    client: &AuthenticatedClient,
    now: Timestamp,
) -> Result<Redeemed, CodeError> {
    // §4.1.3: issued to the authenticated client. First of all, so that nobody can end another's grant.
    if code.client_id != *client.id() || !client.client().may_use(GrantType::AuthorizationCode) {
        return Err(CodeError::OtherClient(code.client_id));
    }
    // §4.1.2: used more than once is refused, and ends what it gave.
    if code.redeemed_at.is_some() {
        return Err(CodeError::Reused(code.grant_id));
    }
    // §4.1.2: codes are short lived.
    if code.expires_at <= now {
        return Err(CodeError::Expired { at: code.expires_at });
    }
    // §4.1.3: redirect_uri present if it was in the authorization request, and identical.
    match (&request.redirect_uri, code.redirect_uri_given) {
        (None, true) => return Err(CodeError::RedirectUriMissing),
        (Some(uri), _) if *uri != code.redirect_uri => return Err(CodeError::OtherRedirectUri),
        _ => {}
    }
    // RFC 7636 §4.6, and RFC 9700 §4.8.2 for the other way round.
    proof_key::check(code.code_challenge.as_ref(), request.code_verifier.as_deref())?;
    // RFC 8707 §2.2: a subset of what was granted.
    let resources = resource_indicator::narrow(request.resources.clone(), &code.allowed.resources)?;
    Ok(Redeemed { grant_id: code.grant_id, allowed: code.allowed, resources })
}
