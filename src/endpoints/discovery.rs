//! Metadata and key set — RFC 8414 §3, OpenID Connect Discovery §4, RFC 7517 §5: made once, served as bytes.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Body, Response};

use crate::call::{Call, Head};
use crate::failure::JsonFailure;
use crate::keys::KEY_SET_MAX_AGE;
use crate::tenant::Document;

/// The metadata of the issuer.
///
/// # Errors
/// None; the signature is that of every endpoint.
pub async fn metadata(call: Call, head: Head, _: Body) -> Result<Response, JsonFailure> {
    Ok(document(&call.tenant.metadata, &head, "application/json"))
}

/// The public keys of the issuer.
///
/// # Errors
/// The keys cannot be had.
pub async fn jwks(call: Call, head: Head, _: Body) -> Result<Response, JsonFailure> {
    let mut ring = call.key_ring().await?;
    if ring.verifiers.keys().is_empty() {
        // The first key of a tenant is made when somebody asks: so that its key set is never empty.
        crate::keys::signer(&call.tenant, &call.store, call.tenant.settings.signing_alg, call.now).await?;
        ring = call.key_ring().await?;
    }
    Ok(document(&ring.document, &head, "application/jwk-set+json"))
}

fn document(document: &Document, head: &Head, content_type: &'static str) -> Response {
    let mut response =
        if head.header("if-none-match").is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == &*document.etag)) {
            StatusCode::NOT_MODIFIED.into()
        } else {
            Response::builder().content_type(content_type).body(Body::from_bytes(document.body.clone()))
        };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&document.etag) {
        headers.insert(header::ETAG, tag);
    }
    let max_age = const {
        assert!(KEY_SET_MAX_AGE == 300);
        "public, max-age=300"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(max_age));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
