//! Addresses outside of any tenant: health, readiness, assets, and the page for nobody's address; and the theme of
//! a tenant.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Body, IntoResponse, Response};

use super::answer::{Handled, PageFailure};
use super::assets;
use super::visit::Visit;
use crate::call::{App, Call, Head};
use crate::failure::Logged;

/// What a platform handler gives.
pub type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What has a hash of its content in its name never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The process lives.
pub fn healthz(_: Arc<App>, _: Head, _: Arc<str>) -> Answering {
    Box::pin(async { Response::builder().content_type("application/json").body("{\"status\":\"alive\"}") })
}

/// The process can answer: its database does.
pub fn readyz(app: Arc<App>, _: Head, _: Arc<str>) -> Answering {
    Box::pin(async move {
        match app.store.ping().await {
            Ok(()) => Response::builder().content_type("application/json").body("{\"status\":\"ready\"}"),
            Err(error) => {
                let mut response = Response::builder()
                    .status(StatusCode::SERVICE_UNAVAILABLE)
                    .content_type("application/json")
                    .header(header::RETRY_AFTER, "1")
                    .body("{\"status\":\"unavailable\",\"reason\":\"the database does not answer\"}");
                response.extensions_mut().insert(Logged(error.to_string()));
                response
            }
        }
    })
}

/// A stylesheet, script or picture of ours.
pub fn asset(_: Arc<App>, head: Head, _: Arc<str>) -> Answering {
    Box::pin(async move {
        match assets::lookup(head.uri.path()) {
            Some((content_type, bytes)) => Response::builder()
                .content_type(content_type)
                .header(header::CACHE_CONTROL, IMMUTABLE)
                .body(Body::from_bytes(hyper::body::Bytes::from_static(bytes))),
            None => StatusCode::NOT_FOUND.into(),
        }
    })
}

/// An address that belongs to nobody. `person` is the request of somebody who looks at pages.
pub fn nobody(app: &Arc<App>, reference: &Arc<str>, person: Option<&Head>) -> Response {
    refusal(app, reference, person, (PageFailure::not_found(), "there is nothing at this address"))
}

/// A method that an address of the platform does not have (RFC 9110 §15.5.6).
pub fn wrong_method(app: &Arc<App>, reference: &Arc<str>, head: &Head) -> Response {
    let page = head.header("accept").is_some_and(|accept| accept.contains("text/html"));
    let log = format!("{} at an address that has GET alone", head.method);
    let failure = PageFailure::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "invalid_request", log);
    refusal(app, reference, page.then_some(head), (failure, "the method must be GET"))
}

/// A request that could be read in two ways, or is too long: the status, and what is wrong. Which trick was played with
/// a path is told in the log alone.
pub fn malformed(
    app: &Arc<App>,
    reference: &Arc<str>,
    person: Option<&Head>,
    (status, wrong): (StatusCode, &str),
) -> Response {
    let (kind, code, description) = match status {
        StatusCode::NOT_FOUND => ("not-found", "not_found", "there is nothing at this address"),
        _ => ("invalid-request", "invalid_request", wrong),
    };
    refusal(app, reference, person, (PageFailure::new(status, kind, code, wrong), description))
}

/// A page for people, JSON for everybody else.
fn refusal(
    app: &Arc<App>,
    reference: &Arc<str>,
    person: Option<&Head>,
    (failure, description): (PageFailure, &str),
) -> Response {
    let Some(head) = person else {
        let described = format!("{description} (reference {reference})");
        let body = serde_json::json!({ "error": failure.code, "error_description": described });
        let mut response =
            Response::builder().status(failure.status).content_type("application/json").body(body.to_string());
        response.extensions_mut().insert(Logged(failure.log));
        return response;
    };
    Visit::of(app.clone(), head, reference.clone()).refusal(failure)
}

/// `{iss}/theme-{hash}.css`: the colours of the tenant.
///
/// # Errors
/// No such page.
pub async fn theme(call: Call, head: Head, _: Body) -> Handled {
    let name = head.uri.path().trim_start_matches('/');
    let theme =
        call.tenant.theme.as_ref().filter(|theme| theme.file_name == name).ok_or_else(PageFailure::not_found)?;
    let mut response = theme.css.clone().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
    Ok(response)
}
