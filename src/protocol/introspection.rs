//! Token introspection — RFC 7662 §2, RFC 9068 §5.
//!
//! `Left out:` signed answers (RFC 9701). `Stricter:` an inactive answer holds `active` alone, and a
//! token is shown only to the client it was issued to or to one whose identifier is in its audience.

use serde_json::{Map, Value, json};

use super::access_token::AccessToken;
use super::grant::Grant;
use super::identifiers::ClientId;
use super::timestamp::Timestamp;

/// The answer about a token that does not count, or not for the caller (§2.2).
pub fn inactive() -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("active".into(), false.into());
    answer
}

/// The answer about a live access token, or [`inactive`] if the caller has nothing to do with it (§4).
pub fn of_access_token(token: &AccessToken, caller: &ClientId) -> Map<String, Value> {
    if token.client_id != *caller && !token.aud.names(caller.as_str()) {
        return inactive();
    }
    let mut answer = match serde_json::to_value(token) {
        Ok(Value::Object(claims)) => claims,
        _ => return inactive(),
    };
    answer.remove("grant");
    answer.insert("active".into(), true.into());
    answer.insert("token_type".into(), "Bearer".into());
    answer
}

/// The answer about a live refresh token: to its own client alone.
pub fn of_refresh_token(grant: &Grant, issuer: &str, caller: &ClientId, now: Timestamp) -> Map<String, Value> {
    let expires = grant.expires_at.min(grant.idle_expires_at);
    if grant.client_id != *caller || !grant.is_live() || expires <= now {
        return inactive();
    }
    let answer = json!({
        "active": true,
        "iss": issuer,
        "client_id": grant.client_id,
        "sub": grant.allowed.user_id,
        "scope": grant.allowed.scope.to_string(),
        "iat": grant.rotated_at.seconds(),
        "exp": expires.seconds(),
    });
    match answer {
        Value::Object(answer) => answer,
        _ => inactive(),
    }
}
