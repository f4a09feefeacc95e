//! Introspection endpoint — RFC 7662 §2.

use poem::http::StatusCode;
use poem::{Body, Response};
use serde_json::{Map, Value};

use super::{authenticated, form, live_access_token};
use crate::call::{Call, Head};
use crate::failure::{JsonFailure, json_no_store};
use crate::protocol::client_authentication::ClientAuthenticationError;
use crate::protocol::error_code::ErrorCode;
use crate::protocol::identifiers::ClientId;
use crate::protocol::introspection;
use crate::protocol::refresh_token::RefreshToken;

/// The endpoint.
///
/// # Errors
/// The caller is not authenticated (§2.1), or the request is malformed.
pub async fn introspect(mut call: Call, head: Head, body: Body) -> Result<Response, JsonFailure> {
    let params = form(&mut call, &head, body).await?;
    let caller = authenticated(&call, &head, &params).await?;
    // §2.1: some form of authorization is required: a client that only names itself has none.
    if caller.client().is_public() {
        let failure = crate::call::AuthenticationFailure::Client(ClientAuthenticationError::Missing);
        return Err(failure.into());
    }
    let token = params.get("token").ok_or_else(|| JsonFailure::new(ErrorCode::InvalidRequest, "token is missing"))?;
    let answer = look_up(&call, token, caller.id()).await?;
    Ok(json_no_store(StatusCode::OK, &Value::Object(answer)))
}

async fn look_up(call: &Call, token: &str, caller: &ClientId) -> Result<Map<String, Value>, JsonFailure> {
    if let Some(refresh) = RefreshToken::parse(token, &call.tenant.secrets.refresh_token) {
        let found = call.store.grant_in_context(refresh.grant, call.now).await?;
        let client = match &found {
            Some(context) => call.client(&context.grant.client_id).await?.is_some_and(|client| client.enabled),
            None => false,
        };
        // Only the live one of the family: a rotated one is not active, even while grace would repeat its successor.
        let live = found.filter(|context| {
            call.is_open()
                && client
                && context.grant.generation == refresh.generation
                && context.session_alive
                && context.user.as_ref().is_some_and(|user| user.is_active())
        });
        return Ok(live.map_or_else(introspection::inactive, |context| {
            introspection::of_refresh_token(&context.grant, &call.tenant.issuer, caller, call.now)
        }));
    }
    let found = live_access_token(call, token).await?;
    Ok(found.map_or_else(introspection::inactive, |(token, _)| introspection::of_access_token(&token, caller)))
}
