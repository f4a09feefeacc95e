//! The authorization request — RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 7636 §4.3, RFC 8707 §2.1.
//!
//! ```text
//! Params ── identify ──▶ Addressed ── check ──▶ Checked
//!    │ error page             │ error redirect
//! ```
//!
//! `Left out:` request objects by value and by reference (RFC 9101): refused, never ignored.
//! `Left out:` response types other than `code` (RFC 9700 §2.1.2).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::authorization_response::{ResponseMode, ReturnTo};
use super::claims_request::{self, ClaimsRequest};
use super::client::{Client, GrantType};
use super::error_code::ErrorCode;
use super::id_token::IdTokenHint;
use super::identifiers::{ClientId, UserId};
use super::metadata::ACR_ONE_FACTOR;
use super::params::{Params, ParamsError};
use super::prompt::Prompt;
use super::proof_key::{CodeChallenge, ProofKeyError};
use super::resource_indicator;
use super::scope::{OFFLINE_ACCESS, OPENID, Scope};
use super::tenant_settings::TenantSettings;
use super::timestamp::Timestamp;

/// Longest `state`, in bytes: it comes back whole.
const MAX_STATE: usize = 8192;
/// Longest `nonce`, in bytes: it is stored and signed.
const MAX_NONCE: usize = 1024;
/// Longest hint, in bytes.
const MAX_HINT: usize = 512;
/// Most `acr_values`.
const MAX_ACR_VALUES: usize = 20;

/// A request that cannot even be answered to its client: only a page can tell (RFC 6749 §4.1.2.1).
/// There is no way from here to a redirect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Parameters that cannot be read, or a repeated `client_id` or `redirect_uri`.
    #[error("{0}")]
    Params(#[from] ParamsError),
    /// No `client_id`.
    #[error("client_id is missing")]
    ClientMissing,
    /// No such client in this tenant, or switched off.
    #[error("unknown client")]
    UnknownClient,
    /// No `redirect_uri` where it is needed.
    #[error("redirect_uri is missing")]
    RedirectUriMissing,
    /// Not one of the registered URIs.
    #[error("redirect_uri is not registered for client {0}")]
    RedirectUriUnknown(ClientId),
}

/// A refusal that travels back to the client.
#[derive(Clone, Debug)]
pub struct RedirectError {
    /// Where to.
    pub return_to: ReturnTo,
    /// Why.
    pub refusal: Refusal,
}

/// Why a request with a known way back is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// RFC 6749 §3.1: a parameter comes twice.
    #[error("{0}")]
    Params(#[from] ParamsError),
    /// No `response_type`.
    #[error("response_type is missing")]
    ResponseTypeMissing,
    /// Not `code`.
    #[error("response_type must be code")]
    ResponseType,
    /// Not a mode that we know.
    #[error("response_mode must be query, fragment or form_post")]
    ResponseMode,
    /// The client did not register for the code grant.
    #[error("the client is not registered for authorization_code")]
    Unauthorized,
    /// A parameter whose value cannot be used, and why.
    #[error("{1}")]
    Value(&'static str, &'static str),
    /// RFC 9101 §3: request objects.
    #[error("request objects are not supported")]
    RequestObject,
    /// RFC 9101 §3: request objects by reference.
    #[error("request_uri is not supported")]
    RequestUri,
    /// The scope cannot be read or holds nothing that the client may have.
    #[error("{0}")]
    Scope(&'static str),
    /// RFC 7636 §4.4.1.
    #[error("{0}")]
    ProofKey(#[from] ProofKeyError),
    /// RFC 8707 §2.
    #[error("{0}")]
    Resource(#[from] resource_indicator::ResourceError),
    /// OpenID Connect Core §3.1.2.6: nobody is signed in, and no page may be shown.
    #[error("nobody is signed in")]
    LoginRequired,
    /// Same: an account would have to be chosen.
    #[error("an account has to be selected")]
    AccountSelectionRequired,
    /// Same: consent would have to be asked for.
    #[error("consent is required")]
    ConsentRequired,
    /// OpenID Connect Core §5.5.1.1: an essential `acr` that no sign-in here reaches.
    #[error("none of the demanded authentication contexts can be reached here")]
    UnmetAuthentication,
    /// RFC 6749 §4.1.2.1: the person said no, or may not.
    #[error("the request was denied")]
    AccessDenied,
}

impl PageError {
    /// The parameter at fault, if it is one that the standards know.
    pub const fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Params(error) => error.parameter(),
            Self::ClientMissing | Self::UnknownClient => Some("client_id"),
            Self::RedirectUriMissing | Self::RedirectUriUnknown(_) => Some("redirect_uri"),
        }
    }
}

impl Refusal {
    /// The parameter at fault, if there is one.
    pub const fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Params(error) => error.parameter(),
            Self::ResponseTypeMissing | Self::ResponseType => Some("response_type"),
            Self::ResponseMode => Some("response_mode"),
            Self::Value(parameter, _) => Some(parameter),
            Self::RequestObject => Some("request"),
            Self::RequestUri => Some("request_uri"),
            Self::Scope(_) => Some("scope"),
            Self::ProofKey(error) => Some(error.parameter()),
            Self::Resource(_) => Some("resource"),
            Self::UnmetAuthentication => Some("claims"),
            Self::Unauthorized
            | Self::LoginRequired
            | Self::AccountSelectionRequired
            | Self::ConsentRequired
            | Self::AccessDenied => None,
        }
    }

    /// RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Params(_) | Self::ResponseTypeMissing | Self::ResponseMode | Self::Value(..) | Self::ProofKey(_) => {
                ErrorCode::InvalidRequest
            }
            Self::ResponseType => ErrorCode::UnsupportedResponseType,
            Self::Unauthorized => ErrorCode::UnauthorizedClient,
            Self::RequestObject => ErrorCode::RequestNotSupported,
            Self::RequestUri => ErrorCode::RequestUriNotSupported,
            Self::Scope(_) => ErrorCode::InvalidScope,
            Self::Resource(error) => error.code(),
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::AccountSelectionRequired => ErrorCode::AccountSelectionRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::UnmetAuthentication => ErrorCode::UnmetAuthenticationRequirements,
            Self::AccessDenied => ErrorCode::AccessDenied,
        }
    }
}

/// A request whose client and redirect URI are known to belong together. From here on, and no
/// earlier, an error may travel back to the client.
#[derive(Debug)]
pub struct Addressed {
    client: Arc<Client>,
    params: Params,
    return_to: ReturnTo,
    redirect_uri_given: bool,
}

/// The client that a request names.
///
/// # Errors
/// `ClientMissing`, or the parameter comes twice.
pub fn client_id(params: &Params) -> Result<ClientId, PageError> {
    if params.is_repeated("client_id") {
        return Err(ParamsError::Repeated("client_id").into());
    }
    let id = params.get("client_id").ok_or(PageError::ClientMissing)?;
    ClientId::parse(id).ok_or(PageError::UnknownClient)
}

impl Addressed {
    /// Finds out whether and where answers may go (RFC 6749 §3.1.2.3, §3.1.2.4).
    ///
    /// # Errors
    /// A [`PageError`]: the redirect URI is missing, in doubt or not registered.
    pub fn identify(params: Params, client: Arc<Client>) -> Result<Self, PageError> {
        if !client.enabled {
            return Err(PageError::UnknownClient);
        }
        if params.is_repeated("redirect_uri") {
            return Err(ParamsError::Repeated("redirect_uri").into());
        }
        let openid = params.get("scope").is_some_and(|scope| scope.split(' ').any(|token| token == OPENID));
        let (redirect_uri, redirect_uri_given) =
            match (params.get("redirect_uri"), client.metadata.redirect_uris.as_slice()) {
                (Some(asked), registered) => {
                    let kind = client.metadata.application_type;
                    let found = registered.iter().find_map(|uri| uri.as_asked(asked, kind));
                    (found.ok_or_else(|| PageError::RedirectUriUnknown(client.id.clone()))?, true)
                }
                // §3.1.2.3: it may be left out if exactly one is registered; OIDC Core §3.1.2.1 requires it.
                (None, [only]) if !openid => (only.clone(), false),
                (None, _) => return Err(PageError::RedirectUriMissing),
            };
        // A state that comes twice is no state: the client could not tell which one is its own.
        let state = (!params.is_repeated("state")).then(|| params.get("state").map(str::to_owned)).flatten();
        let mode = ResponseMode::parse(params.get("response_mode")).unwrap_or(ResponseMode::Query);
        let return_to = ReturnTo { redirect_uri, mode, state };
        Ok(Self { client, params, return_to, redirect_uri_given })
    }

    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The ID token that comes as a hint, not yet verified.
    pub fn id_token_hint(&self) -> Option<&str> {
        self.params.get("id_token_hint")
    }

    /// The language that was asked for, for the pages that may follow.
    pub fn ui_locales(&self) -> Option<&str> {
        self.params.get("ui_locales")
    }

    /// All other rules. `hint` is the verified `id_token_hint`, if one came and is ours.
    ///
    /// # Errors
    /// A [`RedirectError`] with the first rule that is broken.
    pub fn check(
        self,
        settings: &TenantSettings,
        known_resources: impl Fn(&str) -> bool,
        hint: Option<IdTokenHint>,
        now: Timestamp,
    ) -> Result<Checked, RedirectError> {
        let return_to = self.return_to.clone();
        self.check_rules(settings, known_resources, hint, now).map_err(|refusal| RedirectError { return_to, refusal })
    }

    fn check_rules(
        self,
        settings: &TenantSettings,
        known_resources: impl Fn(&str) -> bool,
        hint: Option<IdTokenHint>,
        now: Timestamp,
    ) -> Result<Checked, Refusal> {
        let (params, client) = (&self.params, &self.client);
        params.refuse_repeated()?;
        if params.get("state").is_some_and(|state| state.len() > MAX_STATE) {
            return Err(Refusal::Value("state", "state is longer than 8192 bytes"));
        }
        // RFC 9101 §3: not supported is said, never passed over.
        if params.has("request") {
            return Err(Refusal::RequestObject);
        }
        if params.has("request_uri") {
            return Err(Refusal::RequestUri);
        }
        // §3.1.1: response_type is required, and must be one that we know.
        match params.get("response_type") {
            None => return Err(Refusal::ResponseTypeMissing),
            Some("code") => {}
            Some(_) => return Err(Refusal::ResponseType),
        }
        if params.has("response_mode") && ResponseMode::parse(params.get("response_mode")).is_none() {
            return Err(Refusal::ResponseMode);
        }
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(Refusal::Unauthorized);
        }
        let scope = requested_scope(params, client)?;
        let code_challenge = CodeChallenge::parse(params.get("code_challenge"), params.get("code_challenge_method"))?;
        // RFC 9700 §2.1.1: always for public clients, by default for all.
        if code_challenge.is_none() && (settings.require_pkce || client.is_public()) {
            return Err(ProofKeyError::ChallengeRequired.into());
        }
        let resources = resource_indicator::parse(params.all("resource"))?;
        if !resources.iter().all(|resource| known_resources(resource)) {
            return Err(resource_indicator::ResourceError::Unknown.into());
        }
        let claims = match params.get("claims") {
            None => ClaimsRequest::default(),
            Some(text) => {
                let read = ClaimsRequest::parse(text);
                read.map_err(|_| Refusal::Value("claims", "claims is not a JSON object as of OpenID Connect Core 5.5"))?
            }
        };
        if claims.essential_acr.as_ref().is_some_and(|demanded| !demanded.iter().any(|acr| acr == ACR_ONE_FACTOR)) {
            return Err(Refusal::UnmetAuthentication);
        }
        let prompt = Prompt::parse(params.get("prompt"), settings.self_registration);
        let prompt = prompt.map_err(|why| Refusal::Value("prompt", why))?;
        let subject_hint = subject_hint(params, hint, &claims, client)?;
        // Core §3.1.2.1: the answer is about the person of the hint. A new account is never that one's.
        if prompt.create && subject_hint.is_some() {
            return Err(Refusal::Value("prompt", "prompt=create cannot make the person that the request names"));
        }
        Ok(Checked {
            client_id: client.id.clone(),
            nonce: bounded(params, "nonce", MAX_NONCE)?,
            login_hint: bounded(params, "login_hint", MAX_HINT)?,
            ui_locales: bounded(params, "ui_locales", MAX_HINT)?,
            max_age: max_age(params)?.or(client.metadata.default_max_age),
            acr_values: acr_values(params)?,
            subject_hint,
            claims: claims.within(&client.metadata.scope),
            return_to: self.return_to,
            redirect_uri_given: self.redirect_uri_given,
            scope,
            code_challenge,
            resources,
            prompt,
            asked_at: now,
        })
    }
}

/// A request that keeps every rule, and waits for the person. Sealed in its handle until the
/// person acts, in the store from then on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checked {
    /// The client.
    pub client_id: ClientId,
    /// Where the answer goes.
    pub return_to: ReturnTo,
    /// Whether the request named its redirect URI, so that the token request must too (RFC 6749 §4.1.3).
    pub redirect_uri_given: bool,
    /// What is asked for, within what the client may have.
    pub scope: Scope,
    /// OpenID Connect Core §3.1.2.1.
    pub nonce: Option<String>,
    /// RFC 7636.
    pub code_challenge: Option<CodeChallenge>,
    /// RFC 8707.
    pub resources: Vec<String>,
    /// What must be shown, or must not.
    pub prompt: Prompt,
    /// Seconds since the last sign-in that are still good enough.
    pub max_age: Option<i64>,
    /// Who probably signs in.
    pub login_hint: Option<String>,
    /// Who must sign in: from `id_token_hint` or the `claims` parameter.
    pub subject_hint: Option<UserId>,
    /// Languages, best first.
    pub ui_locales: Option<String>,
    /// Wished authentication contexts, best first.
    pub acr_values: Vec<String>,
    /// Claims asked for by name.
    pub claims: ClaimsRequest,
    /// When the request came in.
    pub asked_at: Timestamp,
}

impl Checked {
    /// Whether this is an OpenID Connect request.
    pub fn is_openid(&self) -> bool {
        self.scope.contains(OPENID)
    }

    /// What a person is asked to allow, in words: the scope, and the scopes that tell of single claims.
    pub fn scope_in_words(&self) -> Scope {
        self.scope.union(&claims_request::scope_in_words(&self.claims.names()))
    }

    /// The refusal `why`, on its way back to the client.
    pub fn refuse(&self, why: Refusal) -> RedirectError {
        RedirectError { return_to: self.return_to.clone(), refusal: why }
    }
}

/// `Choice:` (RFC 6749 §3.3) what the client may not have is left out, and the token answer names
/// the scope that was given; if nothing is left, the request fails.
fn requested_scope(params: &Params, client: &Client) -> Result<Scope, Refusal> {
    let Some(text) = params.get("scope") else { return Ok(Scope::default()) };
    let asked = Scope::parse(text).map_err(|_| Refusal::Scope("scope is malformed or too long"))?;
    let mut scope = asked.within(&client.metadata.scope);
    // OIDC Core §11: without a way to use a refresh token, offline_access is ignored.
    if !client.may_use(GrantType::RefreshToken) {
        scope = scope.without(&Scope::parse(OFFLINE_ACCESS).unwrap_or_default());
    }
    if scope.is_empty() && !asked.is_empty() {
        return Err(Refusal::Scope("the client may not ask for any of these scopes"));
    }
    Ok(scope)
}

fn bounded(params: &Params, name: &'static str, most: usize) -> Result<Option<String>, Refusal> {
    match params.get(name) {
        Some(value) if value.len() > most => Err(Refusal::Value(
            name,
            match name {
                "nonce" => "nonce is longer than 1024 bytes",
                "login_hint" => "login_hint is longer than 512 bytes",
                _ => "a parameter is too long",
            },
        )),
        value => Ok(value.map(str::to_owned)),
    }
}

fn max_age(params: &Params) -> Result<Option<i64>, Refusal> {
    let Some(text) = params.get("max_age") else { return Ok(None) };
    let digits = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.map(Some).ok_or(Refusal::Value("max_age", "max_age must be a whole number of seconds"))
}

fn acr_values(params: &Params) -> Result<Vec<String>, Refusal> {
    let values: Vec<String> =
        params.get("acr_values").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if values.len() > MAX_ACR_VALUES {
        Err(Refusal::Value("acr_values", "more than 20 acr_values"))
    } else {
        Ok(values)
    }
}

/// OIDC Core §3.1.2.1 and §5.5.1: who must be signed in.
fn subject_hint(
    params: &Params,
    hint: Option<IdTokenHint>,
    claims: &ClaimsRequest,
    client: &Client,
) -> Result<Option<UserId>, Refusal> {
    let hinted = match (params.has("id_token_hint"), hint) {
        (false, _) => None,
        (true, Some(hint)) if hint.audience.iter().any(|audience| audience == client.id.as_str()) => Some(hint.subject),
        (true, _) => {
            return Err(Refusal::Value(
                "id_token_hint",
                "id_token_hint is not an ID token of this issuer for this client",
            ));
        }
    };
    let claimed = match claims.subject.as_deref() {
        None => None,
        Some(text) => Some(UserId::parse(text).ok_or(Refusal::LoginRequired)?),
    };
    match (hinted, claimed) {
        (Some(one), Some(other)) if one != other => {
            Err(Refusal::Value("id_token_hint", "id_token_hint and claims name two subjects"))
        }
        (hinted, claimed) => Ok(hinted.or(claimed)),
    }
}
