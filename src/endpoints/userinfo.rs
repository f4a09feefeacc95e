//! Userinfo endpoint — OpenID Connect Core §5.3; RFC 6750 §2.1 and §2.2.

use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Body, Response};

use super::{allow_origin_of, is_form, live_access_token};
use crate::call::{Call, Head};
use crate::failure::{JsonFailure, bearer, json_no_store};
use crate::protocol::bearer::{self as bearer_token, BearerError};
use crate::protocol::claims_request::{self, ClaimsPlace};
use crate::protocol::params::Params;
use crate::protocol::scope::OPENID;

/// The endpoint, for GET and POST alike (§5.3.1).
///
/// # Errors
/// The database or the keys cannot be had; a refused token is an answer of its own.
pub async fn userinfo(call: Call, head: Head, body: Body) -> Result<Response, JsonFailure> {
    let issuer = call.tenant.issuer.clone();
    let params = if head.method == Method::POST && is_form(&head.headers) {
        let bytes = body.into_bytes_limit(super::MAX_FORM).await.unwrap_or_default();
        match Params::parse(&bytes) {
            Ok(params) => Some(params),
            Err(_) => return Ok(open_to_all(bearer(BearerError::Malformed, &issuer, &call.reference))),
        }
    } else {
        None
    };
    let headers: Vec<&str> =
        head.headers.get_all(header::AUTHORIZATION).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    let token = match bearer_token::read(&headers, head.query(), params.as_ref()) {
        Ok(token) => token,
        Err(error) => return Ok(open_to_all(bearer(error, &issuer, &call.reference))),
    };
    let Some((token, context)) = live_access_token(&call, token).await? else {
        return Ok(open_to_all(bearer(BearerError::Invalid, &issuer, &call.reference)));
    };
    // RFC 9068 §4: a token for other resources alone is not for us; else every API could read what it is not meant to.
    if !token.aud.names(&issuer) {
        return Ok(open_to_all(bearer(BearerError::Invalid, &issuer, &call.reference)));
    }
    // §5.3.1: an access token of an OpenID Connect authentication, so one of a person.
    let person = context.and_then(|context| Some((context.grant, context.user?)));
    let Some((grant, user)) = person else {
        return Ok(open_to_all(bearer(BearerError::Invalid, &issuer, &call.reference)));
    };
    let scope = token.scope();
    if !scope.contains(OPENID) {
        return Ok(open_to_all(bearer(BearerError::Scope(OPENID), &issuer, &call.reference)));
    }
    let mut known = user.claims.clone();
    known.insert("preferred_username".into(), user.username.as_str().into());
    let mut claims = claims_request::release(&known, &scope, &grant.allowed.claims, ClaimsPlace::Userinfo);
    // §5.3.2: sub always.
    claims.insert("sub".into(), token.sub.as_str().into());
    let mut response = json_no_store(StatusCode::OK, &serde_json::Value::Object(claims));
    if let Some(client) = call.client(&grant.client_id).await? {
        allow_origin_of(&client.metadata, &head, &mut response);
    }
    Ok(response)
}

/// Any page may read a refusal, which tells nothing but that; the claims are for the client's own origins.
fn open_to_all(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate"));
    response
}
