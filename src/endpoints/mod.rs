//! HTTP of the standards: parse, load, decide, write, answer. No rules of its own.

pub mod discovery;
pub mod introspect;
pub mod register;
pub mod revoke;
pub mod token;
pub mod userinfo;

use std::sync::Arc;

use poem::Response;
use poem::http::{HeaderValue, header};
use poem::{Body, http::HeaderMap};

use crate::call::{AuthenticationFailure, Call, Head};
use crate::failure::JsonFailure;
use crate::protocol::access_token::{self, AccessToken};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::client_authentication::{AuthenticatedClient, ClientAuthenticationError};
use crate::protocol::client_metadata::ClientMetadata;
use crate::protocol::error_code::ErrorCode;
use crate::protocol::jws::UnverifiedJws;
use crate::protocol::params::Params;
use crate::store::grants::GrantInContext;

/// Longest form body, in bytes: four times the longest request that makes sense.
pub const MAX_FORM: usize = 64 * 1024;

/// The parameters of a form body: the right media type, nothing in the query, nothing twice (RFC 6749 §3.2).
///
/// # Errors
/// `invalid_request`.
pub async fn form(call: &mut Call, head: &Head, body: Body) -> Result<Params, JsonFailure> {
    let invalid = |reason: &str| JsonFailure::new(ErrorCode::InvalidRequest, reason);
    if !is_form(&head.headers) {
        return Err(invalid("the body must be application/x-www-form-urlencoded"));
    }
    // RFC 6749 §2.3.1: credentials must not be included in the request URI; nor is anything else looked for there.
    if head.query().is_some() {
        return Err(invalid("parameters must come in the body, not in the query"));
    }
    let bytes =
        body.into_bytes_limit(MAX_FORM).await.map_err(|error| invalid(&format!("the body cannot be read: {error}")))?;
    // A body may take its time: nothing is judged by the time at which it began.
    call.now = call.app.clock.now();
    Params::parse(&bytes).map_err(|error| JsonFailure::new(ErrorCode::InvalidRequest, error))
}

/// The client that a request proves to come from. A known client that fails to prove itself is written down; an
/// unknown one is only logged, so that nobody can fill the trail from outside.
///
/// # Errors
/// `invalid_client`, with the challenge that RFC 6749 §5.2 asks for.
pub async fn authenticated(call: &Call, head: &Head, params: &Params) -> Result<AuthenticatedClient, JsonFailure> {
    use ClientAuthenticationError as Refused;
    let failure = match call.authenticate(head, params).await {
        Ok(client) => return Ok(client),
        Err(failure) => failure,
    };
    if let AuthenticationFailure::Client(
        error @ (Refused::WrongSecret(id)
        | Refused::Assertion(id, _)
        | Refused::Replayed(id)
        | Refused::OtherMethod(id)),
    ) = &failure
    {
        let event = call.event(AuditKind::ClientAuthenticationFailed).client(id).with("reason", error.to_string());
        call.store.append(call.audit(event)).await?;
    }
    Err(JsonFailure::from(failure).challenged(head.headers.contains_key(header::AUTHORIZATION)))
}

/// Whether the body claims to be a form.
pub fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';');
    let form =
        parts.next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    // RFC 6749 Appendix B: UTF-8, whatever a charset parameter says; another one is refused rather than misread.
    form && parts.all(|part| {
        let Some((name, value)) = part.split_once('=') else { return true };
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

/// Lets the browser pages of a client's own origins read the answer (CONTRACT, behaviour 7).
pub fn allow_origin_of(client: &ClientMetadata, head: &Head, response: &mut Response) {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = head.header("origin").filter(|origin| client.allows_origin(origin)) {
        allow_origin(origin, response);
    }
}

/// Lets the pages of one origin read the answer.
pub fn allow_origin(origin: &str, response: &mut Response) {
    if let Ok(value) = HeaderValue::from_str(origin) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
        let exposed = HeaderValue::from_static("www-authenticate");
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// The access token that a text stands for, if it is one of this tenant's and its time is not over. Whether its
/// grant still carries it is for the caller to look up.
///
/// # Errors
/// The keys cannot be had.
pub async fn read_access_token(call: &Call, text: &str) -> Result<Option<Arc<AccessToken>>, JsonFailure> {
    let token = if let Some(sealed) = text.strip_prefix(access_token::OPAQUE_PREFIX) {
        let opened = call.tenant.secrets.access_token.open_text(access_token::OPAQUE_CONTEXT, sealed);
        opened.ok().and_then(|plain| serde_json::from_slice(&plain).ok()).map(Arc::new)
    } else {
        signed_access_token(call, text).await?
    };
    Ok(token.filter(|token| token.is_current(&call.tenant.issuer, call.now)))
}

async fn signed_access_token(call: &Call, text: &str) -> Result<Option<Arc<AccessToken>>, JsonFailure> {
    let ring = call.key_ring().await?;
    if let Some(token) = call.app.verified_tokens.get(text, &ring).await {
        return Ok(Some(token));
    }
    let Ok(jws) = UnverifiedJws::parse(text) else { return Ok(None) };
    // RFC 9068 §4: the type tells an access token from an ID token.
    if !jws.header().has_type(access_token::TYP) {
        return Ok(None);
    }
    let claims = ring.verifiers.verify(jws).and_then(|verified| verified.claims());
    let Some(token) = claims.ok().and_then(AccessToken::from_claims).map(Arc::new) else { return Ok(None) };
    call.app.verified_tokens.insert(text, &ring, token.clone()).await;
    Ok(Some(token))
}

/// A live access token: its grant carries it, its person may sign in, it was not revoked, all as of now.
///
/// # Errors
/// The keys or the database cannot be had.
pub async fn live_access_token(
    call: &Call,
    text: &str,
) -> Result<Option<(Arc<AccessToken>, Option<GrantInContext>)>, JsonFailure> {
    let Some(token) = read_access_token(call, text).await? else { return Ok(None) };
    let (context, revoked) = call.store.token_context(token.grant_id, &token.revocation_hash(), call.now).await?;
    if revoked || !access_token::is_carried_by(&token, context.as_ref().map(|context| &context.grant)) {
        return Ok(None);
    }
    let alive = context.as_ref().is_none_or(|context| {
        context.session_alive
            && context.user.as_ref().is_some_and(|user| user.is_active() && Some(user.id) == token.user_id())
    });
    // The client may have been switched off or removed since.
    let client = call.client(&token.client_id).await?.is_some_and(|client| client.enabled);
    Ok((alive && client && call.is_open()).then_some((token, context)))
}
