//! RP-initiated logout — OpenID Connect RP-Initiated Logout 1.0 §2, §3.

use super::client::Client;
use super::id_token::IdTokenHint;
use super::params::Params;
use super::redirect_uri::RedirectUri;

/// Longest `state`, in bytes.
const MAX_STATE: usize = 2048;

/// Why nobody is sent back to a client. The person may still sign out here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndSessionError {
    /// §2: the hint is not an ID token of ours.
    #[error("id_token_hint is not an ID token of this issuer")]
    Hint,
    /// §2: hint and client_id name different clients.
    #[error("client_id is not the audience of id_token_hint")]
    OtherClient,
    /// §3: post_logout_redirect_uri without anything that tells whose it is.
    #[error("post_logout_redirect_uri needs id_token_hint or client_id")]
    NoClient,
    /// §3.1: not registered, byte for byte.
    #[error("post_logout_redirect_uri is not registered for the client")]
    Unregistered,
    /// A parameter comes twice or is too long.
    #[error("a parameter is malformed")]
    Malformed,
}

impl EndSessionError {
    /// The parameter at fault, if it is a certain one.
    pub const fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Hint => Some("id_token_hint"),
            Self::OtherClient => Some("client_id"),
            Self::NoClient | Self::Unregistered => Some("post_logout_redirect_uri"),
            Self::Malformed => None,
        }
    }
}

/// The parameters of §2.
#[derive(Clone, Debug, Default)]
pub struct EndSessionRequest {
    /// The ID token that came as a hint, unverified.
    pub id_token_hint: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// Where to go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// Given back unchanged.
    pub state: Option<String>,
    /// Languages.
    pub ui_locales: Option<String>,
}

impl EndSessionRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(params: &Params) -> Result<Self, EndSessionError> {
        params.refuse_repeated().map_err(|_| EndSessionError::Malformed)?;
        let text = |name: &str| params.get(name).map(str::to_owned);
        let state = text("state");
        if state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
            return Err(EndSessionError::Malformed);
        }
        Ok(Self {
            id_token_hint: text("id_token_hint"),
            client_id: text("client_id"),
            post_logout_redirect_uri: text("post_logout_redirect_uri"),
            state,
            ui_locales: text("ui_locales"),
        })
    }
}

/// The client that a request is about: the audience of the hint, or `client_id` (§2).
///
/// # Errors
/// The hint is not ours, or the two disagree.
pub fn client_of(request: &EndSessionRequest, hint: Option<&IdTokenHint>) -> Result<Option<String>, EndSessionError> {
    let hinted = match (&request.id_token_hint, hint) {
        (None, _) => None,
        (Some(_), None) => return Err(EndSessionError::Hint),
        (Some(_), Some(hint)) => Some(hint),
    };
    match (hinted, &request.client_id) {
        (Some(hint), Some(client)) if !hint.audience.contains(client) => Err(EndSessionError::OtherClient),
        (_, Some(client)) => Ok(Some(client.clone())),
        (Some(hint), None) => Ok(hint.audience.first().cloned()),
        (None, None) => Ok(None),
    }
}

/// Where the browser goes afterwards, with `state` (§3).
///
/// # Errors
/// The address is not one of the client's, byte for byte.
pub fn return_address(
    request: &EndSessionRequest,
    client: Option<&Client>,
) -> Result<Option<RedirectUri>, EndSessionError> {
    let Some(asked) = request.post_logout_redirect_uri.as_deref() else { return Ok(None) };
    let client = client.ok_or(EndSessionError::NoClient)?;
    // §3: an exact match; the freedom of RFC 8252 §7.3 is for redirect URIs.
    let found = client.metadata.post_logout_redirect_uris.iter().find(|uri| uri.as_str() == asked);
    found.map(|uri| Some(uri.clone())).ok_or(EndSessionError::Unregistered)
}

/// The address with `state` added to its query (§3).
pub fn with_state(uri: &RedirectUri, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.as_str().to_owned() };
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.append_pair("state", state);
    let joint = if uri.as_str().contains('?') { "&" } else { "?" };
    format!("{uri}{joint}{}", encoded.finish().replace('+', "%20"))
}
