//! From an address to a handler: which methods it has, how its refusals look, who may read its answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Body, Endpoint, Request, Response};

use crate::call::{App, Call, Head};
use crate::endpoints;
use crate::failure::JsonFailure;
use crate::logging;
use crate::pages::answer::{self, Handled, PageFailure};
use crate::pages::platform;
use crate::protocol::error_code::ErrorCode;

/// How the refusals of an address look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// As RFC 6749 §5.2 says.
    Json,
    /// As a page.
    Page,
}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;
type Handler = Box<dyn Fn(Call, Head, Body) -> Answering + Send + Sync>;
type PlatformHandler = fn(Arc<App>, Head, Arc<str>) -> Answering;

/// A handler whose refusals are JSON.
pub fn json<F, Fut>(handler: F) -> Handler
where
    F: Fn(Call, Head, Body) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, JsonFailure>> + Send + 'static,
{
    Box::new(move |call, head, body| {
        let reference = call.reference.clone();
        let answer = handler(call, head, body);
        Box::pin(async move { answer.await.unwrap_or_else(|failure| failure.into_response(&reference)) })
    })
}

/// A handler whose refusals are pages.
pub fn page<F, Fut>(handler: F) -> Handler
where
    F: Fn(Call, Head, Body) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Handled> + Send + 'static,
{
    Box::new(move |call, head, body| {
        let (seen, at) = (call.clone(), head.clone());
        let answer = handler(call, head, body);
        Box::pin(async move { answer.await.unwrap_or_else(|failure| answer::refusal(&seen, &at, failure)) })
    })
}

/// The methods of one address.
pub struct Methods {
    surface: Surface,
    cross_origin: bool,
    handlers: Vec<(Method, Handler)>,
    platform: Option<PlatformHandler>,
}

/// An address without methods yet.
pub fn methods(surface: Surface) -> Methods {
    Methods { surface, cross_origin: false, handlers: Vec::new(), platform: None }
}

impl Methods {
    /// Pages of other origins may ask; the handler decides which of them may read the answer.
    #[must_use]
    pub fn cross_origin(mut self) -> Self {
        self.cross_origin = true;
        self
    }

    /// With GET, and HEAD with it.
    #[must_use]
    pub fn get(mut self, handler: Handler) -> Self {
        self.handlers.push((Method::GET, handler));
        self
    }

    /// With POST.
    #[must_use]
    pub fn post(mut self, handler: Handler) -> Self {
        self.handlers.push((Method::POST, handler));
        self
    }

    /// With PUT.
    #[must_use]
    pub fn put(mut self, handler: Handler) -> Self {
        self.handlers.push((Method::PUT, handler));
        self
    }

    /// With DELETE.
    #[must_use]
    pub fn delete(mut self, handler: Handler) -> Self {
        self.handlers.push((Method::DELETE, handler));
        self
    }

    /// An address of the platform, with GET alone.
    #[must_use]
    pub fn platform(mut self, handler: PlatformHandler) -> Self {
        self.platform = Some(handler);
        self
    }

    /// RFC 9110 §10.2.1.
    fn allowed(&self) -> String {
        let mut names: Vec<&str> = self.handlers.iter().map(|(method, _)| method.as_str()).collect();
        if self.platform.is_some() || names.contains(&"GET") {
            names.push("HEAD");
        }
        if self.platform.is_some() {
            names.push("GET");
        }
        if self.cross_origin {
            names.push("OPTIONS");
        }
        names.join(", ")
    }

    /// RFC 9110 §15.5.6.
    fn refuse_method(&self, call: &Call, head: &Head) -> Response {
        let response = match self.surface {
            Surface::Page => {
                let log = format!("{} is not one of {}", head.method, self.allowed());
                let failure =
                    PageFailure::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "invalid_request", log);
                answer::refusal(call, head, failure)
            }
            Surface::Json => {
                let failure = JsonFailure::new(
                    ErrorCode::InvalidRequest,
                    format!("the method must be one of {}", self.allowed()),
                );
                let mut response = failure.into_response(&call.reference);
                response.set_status(StatusCode::METHOD_NOT_ALLOWED);
                response
            }
        };
        self.with_allowed(response)
    }

    /// The answer in place of a handler that panicked.
    fn failed(&self, call: &Call, head: &Head) -> Response {
        match self.surface {
            Surface::Page => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                answer::refusal(call, head, PageFailure::new(status, "server-error", "server_error", "panic"))
            }
            Surface::Json => {
                JsonFailure::quiet(ErrorCode::ServerError, "the server failed", "panic").into_response(&call.reference)
            }
        }
    }

    /// RFC 9110 §15.5.6: the answer tells which methods there are.
    fn with_allowed(&self, mut response: Response) -> Response {
        if let Ok(allowed) = HeaderValue::from_str(&self.allowed()) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }

    /// RFC 9110 §15.5.16: a body is read as it came, so that none grows while it is read.
    fn refuse_coding(&self, call: &Call, head: &Head) -> Response {
        let reason = "the body must not be compressed";
        let mut response = match self.surface {
            Surface::Page => {
                let failure =
                    PageFailure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid-request", "invalid_request", reason);
                answer::refusal(call, head, failure)
            }
            Surface::Json => {
                let mut response = JsonFailure::new(ErrorCode::InvalidRequest, reason).into_response(&call.reference);
                response.set_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
                response
            }
        };
        response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        response
    }

    /// The answer to a browser that asks before it sends (CORS). Whether the page may read the answer is decided
    /// with the request itself, when its client is known.
    fn preflight(&self, head: &Head) -> Response {
        let mut response: Response = StatusCode::NO_CONTENT.into();
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = head.header("origin").and_then(|origin| HeaderValue::from_str(origin).ok()) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let methods = HeaderValue::from_static("GET, POST, PUT, DELETE");
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            let names = HeaderValue::from_static("authorization, content-type, dpop");
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        response
    }
}

impl Methods {
    /// The answer of the handler, or why there is none.
    async fn handled(&self, call: &Call, head: &Head, body: Body) -> Response {
        if self.cross_origin && head.method == Method::OPTIONS {
            return self.preflight(head);
        }
        if head.method != Method::GET && head.headers.contains_key(header::CONTENT_ENCODING) {
            return self.refuse_coding(call, head);
        }
        let found = self.handlers.iter().find(|(method, _)| *method == head.method);
        let Some((_, handler)) = found else { return self.refuse_method(call, head) };
        let only_reads = head.method == Method::GET && self.surface == Surface::Json;
        let answering = handler(call.clone(), head.clone(), body);
        if only_reads {
            return answering.await;
        }
        // What may change something is done to its end, even if the peer hangs up: a guess must be counted. A page
        // may end in a code or end a session.
        match tokio::spawn(logging::still_about(answering)).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(error = %error, "a handler panicked");
                self.failed(call, head)
            }
        }
    }
}

impl Endpoint for Methods {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let body = request.take_body();
        let Some(mut head) = request.extensions_mut().remove::<Head>() else {
            return Ok(StatusCode::INTERNAL_SERVER_ERROR.into());
        };
        let is_head = head.method == Method::HEAD;
        if is_head {
            head.method = Method::GET;
            // RFC 9110 §9.2.1: a page may end in a code or end a session; HEAD must do neither.
            if self.surface == Surface::Page && self.platform.is_none() && self.allowed().contains("GET") {
                return Ok(StatusCode::OK.into());
            }
        }
        let call = request.extensions_mut().remove::<Call>();
        if let Some(handler) = self.platform {
            let Some((app, reference)) = request.extensions_mut().remove::<(Arc<App>, Arc<str>)>() else {
                return Ok(StatusCode::INTERNAL_SERVER_ERROR.into());
            };
            if head.method != Method::GET {
                return Ok(self.with_allowed(platform::wrong_method(&app, &reference, &head)));
            }
            return Ok(handler(app, head, reference).await);
        }
        let Some(call) = call else { return Ok(StatusCode::INTERNAL_SERVER_ERROR.into()) };
        let mut response = self.handled(&call, &head, body).await;
        if self.cross_origin {
            readable(&call, &head, &mut response).await;
        }
        Ok(response)
    }
}

/// A refusal behind which no client stands can be read by the pages of every client of the tenant (CONTRACT,
/// behaviour 7): a page that sends the wrong client_id learns so. The origin alone decides, so that nothing shows
/// whether there is a client (CA10).
async fn readable(call: &Call, head: &Head, response: &mut Response) {
    // A failure of ours says the same to everybody, and must not ask the database for more.
    let refused = response.status().is_client_error();
    let headers = response.headers_mut();
    // Whoever knew the client has decided, and says so.
    if !refused || headers.contains_key(header::VARY) || headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = head.header("origin") else { return };
    match call.app.directory.origins(&call.tenant, call.now).await {
        Ok(origins) if origins.allows(origin) => endpoints::allow_origin(origin, response),
        Ok(_) => {}
        Err(error) => tracing::warn!(error = %error, "the origins of the clients cannot be looked up"),
    }
}
