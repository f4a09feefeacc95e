//! The exits for refusals: JSON (RFC 6749 §5.2), bearer challenge (RFC 6750 §3), page. One function each.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use serde_json::json;

use crate::call::AuthenticationFailure;
use crate::keys::KeyError;
use crate::protocol::authorization_response::plain_description;
use crate::protocol::bearer::BearerError;
use crate::protocol::client_authentication::ClientAuthenticationError;
use crate::protocol::error_code::ErrorCode;
use crate::store::StoreError;

/// Seconds after which a failed request may be tried again.
const RETRY_AFTER: u32 = 1;

/// What the request's log line says about a refusal; travels in the answer's extensions.
#[derive(Clone, Debug)]
pub struct Logged(pub String);

/// A refusal as JSON.
#[derive(Debug)]
pub struct JsonFailure {
    /// The registered code.
    pub code: ErrorCode,
    /// For the client's developer.
    pub description: String,
    /// For our log.
    pub log: String,
    /// Whether `WWW-Authenticate: Basic` is due (RFC 6749 §5.2).
    pub challenge: bool,
    /// Seconds to wait, for a peer that asks too often (RFC 6585 §4).
    pub slow_down: Option<i64>,
}

impl JsonFailure {
    /// A refusal whose reason may be told as it is.
    pub fn new(code: ErrorCode, reason: impl std::fmt::Display) -> Self {
        let text = reason.to_string();
        Self { code, description: text.clone(), log: text, challenge: false, slow_down: None }
    }

    /// A refusal that tells the peer less than the log.
    pub fn quiet(code: ErrorCode, description: &str, reason: impl std::fmt::Display) -> Self {
        Self { code, description: description.to_owned(), log: reason.to_string(), challenge: false, slow_down: None }
    }

    /// The answer, with `reference`, by which an owner finds the whole story.
    pub fn into_response(self, reference: &str) -> Response {
        let status = match self.slow_down {
            Some(_) => StatusCode::TOO_MANY_REQUESTS,
            None => StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::BAD_REQUEST),
        };
        let description = format!("{} (reference {reference})", plain_description(&self.description));
        let body = json!({ "error": self.code.as_str(), "error_description": description });
        let mut response = Response::builder()
            .status(status)
            .content_type("application/json")
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::PRAGMA, "no-cache")
            .body(body.to_string());
        if self.challenge && status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"client authentication\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        if let Some(seconds) = self.slow_down {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Logged(self.log));
        response
    }
}

impl From<StoreError> for JsonFailure {
    fn from(error: StoreError) -> Self {
        let (code, description) = if is_temporary(&error) {
            (ErrorCode::TemporarilyUnavailable, "the server cannot store or look up anything at the moment, try again")
        } else {
            (ErrorCode::ServerError, "the server failed")
        };
        tracing::error!(error = %error, "store");
        Self::quiet(code, description, error)
    }
}

impl From<KeyError> for JsonFailure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            error @ (KeyError::Signing(_) | KeyError::Sealed { .. } | KeyError::Interrupted) => {
                tracing::error!(error = %error, "signing key");
                Self::quiet(ErrorCode::TemporarilyUnavailable, "the server cannot sign at the moment, try again", error)
            }
        }
    }
}

impl JsonFailure {
    /// A client that tried HTTP Basic is told the scheme again (RFC 6749 §5.2: MUST); others are not, for they would
    /// take the challenge for the answer.
    #[must_use]
    pub fn challenged(mut self, authorization: bool) -> Self {
        self.challenge = authorization && self.code.status() == 401;
        self
    }
}

impl From<AuthenticationFailure> for JsonFailure {
    fn from(error: AuthenticationFailure) -> Self {
        match error {
            AuthenticationFailure::Store(error) => error.into(),
            AuthenticationFailure::Client(error) => {
                let description = match error.code() {
                    // Unknown clients and wrong credentials sound alike.
                    ErrorCode::InvalidClient => "client authentication failed".to_owned(),
                    ErrorCode::TemporarilyUnavailable => {
                        "too many failures from this address, try again later".to_owned()
                    }
                    _ => error.to_string(),
                };
                let slow_down =
                    if let ClientAuthenticationError::TooManyFailures(_, wait) = &error { Some(*wait) } else { None };
                Self { slow_down, ..Self::quiet(error.code(), &description, error) }
            }
        }
    }
}

/// Whether trying again may help.
pub const fn is_temporary(error: &StoreError) -> bool {
    match error {
        StoreError::Busy | StoreError::Database(_) => true,
        StoreError::Duplicate | StoreError::Corrupt { .. } | StoreError::Sealed { .. } => false,
    }
}

/// A refusal of a bearer token.
pub fn bearer(error: BearerError, issuer: &str, reference: &str) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let description = format!("{error} (reference {reference})");
    let body = error.code().map(|code| json!({ "error": code.as_str(), "error_description": description }).to_string());
    let mut response = Response::builder()
        .status(status)
        .header(header::WWW_AUTHENTICATE, error.challenge(issuer))
        .header(header::CACHE_CONTROL, "no-store")
        .content_type("application/json")
        .body(body.unwrap_or_default());
    response.extensions_mut().insert(Logged(error.to_string()));
    response
}

/// A JSON answer that must not be cached (RFC 6749 §5.1).
pub fn json_no_store(status: StatusCode, body: &serde_json::Value) -> Response {
    Response::builder()
        .status(status)
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::PRAGMA, "no-cache")
        .body(body.to_string())
        .into_response()
}
