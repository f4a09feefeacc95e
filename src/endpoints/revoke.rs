//! Revocation endpoint — RFC 7009 §2.
//!
//! `Choice:` (§2.1) revoking a refresh token ends its grant with all tokens of it; revoking an access token ends
//! that one token. `Choice:` (§2.2) a token of another client is left alone, and the answer is the same 200 as
//! for an unknown one.

use poem::http::StatusCode;
use poem::{Body, Response};

use super::{allow_origin_of, authenticated, form, read_access_token};
use crate::call::{Call, Head};
use crate::failure::JsonFailure;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::client_authentication::AuthenticatedClient;
use crate::protocol::error_code::ErrorCode;
use crate::protocol::params::Params;
use crate::protocol::refresh_token::RefreshToken;
use crate::protocol::timestamp::Timestamp;

/// The endpoint.
///
/// # Errors
/// The client is not authenticated, the request is malformed, or nothing could be stored.
pub async fn revoke(mut call: Call, head: Head, body: Body) -> Result<Response, JsonFailure> {
    let params = form(&mut call, &head, body).await?;
    let client = authenticated(&call, &head, &params).await?;
    let mut response = match end(&call, &client, &params).await {
        // §2.2: 200, also for a token that is unknown or over.
        Ok(()) => StatusCode::OK.into(),
        Err(failure) => failure.into_response(&call.reference),
    };
    allow_origin_of(&client.client().metadata, &head, &mut response);
    Ok(response)
}

async fn end(call: &Call, client: &AuthenticatedClient, params: &Params) -> Result<(), JsonFailure> {
    let token = params.get("token").ok_or_else(|| JsonFailure::new(ErrorCode::InvalidRequest, "token is missing"))?;
    let event = call.event(AuditKind::TokenRevoked).client(client.id());
    if let Some(refresh) = RefreshToken::parse(token, &call.tenant.secrets.refresh_token) {
        let found = call.store.grant_in_context(refresh.grant, call.now).await?.map(|context| context.grant);
        if let Some(grant) = found.filter(|grant| grant.client_id == *client.id()) {
            let event = event.with("grant", grant.id.to_string()).with("token", "refresh_token");
            call.store.end_grant(grant.id, call.audit(event), call.now).await?;
        }
        return Ok(());
    }
    if let Some(access) = read_access_token(call, token).await?.filter(|access| access.client_id == *client.id()) {
        let event = event.with("token", "access_token").with("jti", access.jti.as_str());
        let until = Timestamp::from_seconds(access.exp);
        call.store.revoke_token(&access.revocation_hash(), until, call.audit(event)).await?;
    }
    Ok(())
}
