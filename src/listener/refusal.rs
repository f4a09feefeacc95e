//! What the listener answers by itself: to requests that no endpoint should see, and in place of one that took too
//! long or panicked. Each such answer has a reference, and one line in the log.

use std::sync::Arc;

use poem::Response;
use poem::http::{HeaderValue, Method, StatusCode, Version, header, request::Parts, uri::Scheme};
use serde_json::json;

use crate::logging::{self, Reference};
use crate::protocol::error_code::ErrorCode;

/// Seconds after which to come back when a request took too long on our side.
const RETRY_AFTER_SECONDS: &str = "5";
/// The policy of answers without a page: nothing is loaded, nothing frames them.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Why a request is answered here: the status, the registered code (RFC 6749 §5.2), and what the peer is told.
pub(super) type Why = (StatusCode, ErrorCode, &'static str);

pub(super) const LATE: Why =
    (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable, "the server took too long, try again");
pub(super) const SLOW: Why =
    (StatusCode::REQUEST_TIMEOUT, ErrorCode::InvalidRequest, "the body of the request came too slowly");
pub(super) const PANIC: Why = (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError, "the server failed");
const METHOD: Why = (StatusCode::NOT_IMPLEMENTED, ErrorCode::InvalidRequest, "this server has no such method");
const HOST: Why = (StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, "Host is missing, repeated or malformed");

/// What is known of a request besides why it is refused.
pub(super) struct Asked {
    reference: Reference,
    method: Method,
    version: Version,
    /// Whether a person reads the answer.
    person: bool,
}

impl Asked {
    /// Makes the reference of a request, and leaves it with the request for whoever answers it.
    pub(super) fn of(request: &mut Parts) -> Self {
        let reference = Reference::mint();
        request.extensions.insert(reference.clone());
        let accept = request.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        Self {
            reference,
            method: request.method.clone(),
            version: request.version,
            person: accept.is_some_and(|accept| accept.contains("text/html")),
        }
    }
}

/// Why no endpoint should see a request.
pub(super) fn fault(request: &Parts) -> Option<Why> {
    if request.method == Method::CONNECT || request.method == Method::TRACE {
        return Some(METHOD);
    }
    let mut hosts = request.headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    let authority = request.uri.authority().map(|found| found.as_str().as_bytes());
    let good = match (hosts.next(), authority) {
        (Some(host), Some(authority)) => host.eq_ignore_ascii_case(authority) && is_host(host),
        (Some(host), None) => is_host(host),
        // RFC 9113 §8.3.1: HTTP/2 has the authority in its place; RFC 9112 §3.2: HTTP/1.1 has Host.
        (None, Some(authority)) => request.version != Version::HTTP_11 && is_host(authority),
        (None, None) => request.version < Version::HTTP_11,
    };
    (!good || hosts.next().is_some()).then_some(HOST)
}

/// Host and port of RFC 3986 §3.2, without user information and without the letters DNS lacks.
fn is_host(text: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    !text.is_empty() && text.iter().all(fits)
}

/// The answer, in words for people, else as RFC 6749 §5.2 has it, with the headers that every answer has.
pub(super) async fn refuse(asked: &Asked, why: Why, scheme: &Scheme) -> Response {
    let (status, code, told) = why;
    let reference = &asked.reference.0;
    logging::about(Arc::clone(reference), async {
        let (method, status) = (asked.method.as_str(), status.as_u16());
        if why == PANIC {
            tracing::error!(method, status, reason = "a handler panicked", "answered");
        } else if status >= 500 {
            tracing::warn!(method, status, reason = told, "answered");
        } else {
            tracing::info!(method, status, reason = told, "answered");
        }
    })
    .await;
    let (kind, body) = if asked.person {
        let name = status.canonical_reason().unwrap_or_default();
        ("text/plain; charset=utf-8", format!("{name}: {told} (reference {reference})"))
    } else {
        let described = format!("{told} (reference {reference})");
        ("application/json", json!({ "error": code.as_str(), "error_description": described }).to_string())
    };
    let mut response = Response::builder()
        .status(status)
        .content_type(kind)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, POLICY);
    if *scheme == Scheme::HTTPS {
        response = response.header(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response = response.header(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
    } else if asked.version < Version::HTTP_2 {
        // What follows on the connection may belong to the request that was given up.
        response = response.header(header::CONNECTION, "close");
    }
    response.body(body)
}
