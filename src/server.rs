//! Every address of the server on one page, and what happens to each request before and after its handler:
//! the tenant is found, the request gets its reference, the answer its security headers and its log line.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use poem::endpoint::BoxEndpoint;
use poem::http::uri::PathAndQuery;
use poem::http::{HeaderValue, Method, StatusCode, Uri, header};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Route};
use serde_json::json;

use crate::call::{App, Call, Head, Peer};
use crate::endpoints::{discovery, introspect, register, revoke, token, userinfo};
use crate::failure::{JsonFailure, Logged};
use crate::logging::{self, Reference};
use crate::pages::{
    account, answer, authorize, developer, end_session, error_docs, first_admin, interaction, platform, playground,
};
use crate::protocol::identifiers::Slug;
use crate::route::{Surface, json, methods, page};
use crate::tenant::Tenant;

/// Longest path that is looked at, in bytes.
const MAX_PATH: usize = 2048;
/// Longest address that is looked at, with its query, in bytes: more than a `state` of 8 KiB sealed in a handle.
const MAX_TARGET: usize = 24 * 1024;
/// Longest `User-Agent` that is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

const OPENER_POLICY: header::HeaderName = header::HeaderName::from_static("cross-origin-opener-policy");

/// What an issuer answers, below `{iss}`.
fn issuer_routes(dev: bool) -> Route {
    let discovery = || methods(Surface::Json).get(json(discovery::metadata));
    let routes = Route::new()
        .at("/.well-known/openid-configuration", discovery())
        .at("/.well-known/oauth-authorization-server", discovery())
        .at("/jwks", methods(Surface::Json).get(json(discovery::jwks)))
        .at("/authorize", methods(Surface::Page).get(page(authorize::authorize)).post(page(authorize::authorize)))
        .at("/token", methods(Surface::Json).cross_origin().post(json(token::token)))
        .at(
            "/userinfo",
            methods(Surface::Json).cross_origin().get(json(userinfo::userinfo)).post(json(userinfo::userinfo)),
        )
        .at("/introspect", methods(Surface::Json).post(json(introspect::introspect)))
        .at("/revoke", methods(Surface::Json).cross_origin().post(json(revoke::revoke)))
        .at("/register", methods(Surface::Json).cross_origin().post(json(register::register)))
        .at(
            "/register/:client_id",
            methods(Surface::Json)
                .cross_origin()
                .get(json(register::manage))
                .put(json(register::manage))
                .delete(json(register::manage)),
        )
        .at(
            "/end_session",
            methods(Surface::Page).get(page(end_session::end_session)).post(page(end_session::end_session)),
        )
        .at("/interaction/:id", methods(Surface::Page).get(page(interaction::current)))
        .at("/interaction/:id/:step", methods(Surface::Page).post(page(interaction::act)))
        .at("/account/sessions", methods(Surface::Page).get(page(account::sessions)).post(page(account::end_sessions)))
        .at(
            "/first-administrator/:token",
            methods(Surface::Page).get(page(first_admin::show)).post(page(first_admin::create)),
        )
        .at("/:theme", methods(Surface::Page).get(page(platform::theme)));
    if !dev {
        return routes;
    }
    routes
        .at("/playground", methods(Surface::Page).get(page(playground::show)).post(page(playground::start)))
        .at("/playground/callback", methods(Surface::Page).get(page(playground::callback)))
}

/// What the platform answers, on the origin itself.
fn platform_routes(dev: bool) -> Route {
    let routes = Route::new()
        .at("/healthz", methods(Surface::Json).platform(platform::healthz))
        .at("/readyz", methods(Surface::Json).platform(platform::readyz))
        .at("/assets/:name", methods(Surface::Page).platform(platform::asset))
        .at("/errors", methods(Surface::Page).platform(error_docs::all))
        .at("/errors/:code", methods(Surface::Page).platform(error_docs::one));
    if !dev {
        return routes;
    }
    routes
        .at("/", methods(Surface::Page).platform(developer::to_start))
        .at("/start", methods(Surface::Page).platform(developer::start))
        .at("/dev/mail", methods(Surface::Page).platform(developer::mail))
        .at("/dev/styleguide", methods(Surface::Page).platform(developer::style_guide))
        .at("/dev/errors", methods(Surface::Page).platform(developer::errors))
        .at("/dev/errors/:kind", methods(Surface::Page).platform(developer::one_error))
}

/// The whole server as one endpoint.
pub fn endpoint(app: Arc<App>) -> Arc<BoxEndpoint<'static, Response>> {
    let front = Front { issuer: issuer_routes(app.dev), platform: platform_routes(app.dev), app };
    Arc::new(front.boxed())
}

/// Health and readiness alone, for an address that only operators reach (`server.admin_listen`).
pub fn operators_endpoint(app: Arc<App>) -> Arc<BoxEndpoint<'static, Response>> {
    let front = Front { issuer: Route::new(), platform: platform_routes(false), app };
    Arc::new(front.boxed())
}

struct Front {
    app: Arc<App>,
    issuer: Route,
    platform: Route,
}

/// Where a request goes.
enum Destination {
    /// To an issuer, at this path below it.
    Issuer(Arc<Tenant>, String),
    /// To the platform.
    Platform,
    /// Nowhere.
    Nobody,
}

impl Endpoint for Front {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let began = Instant::now();
        let Reference(reference) = request.extensions_mut().remove::<Reference>().unwrap_or_else(Reference::mint);
        let method = request.method().clone();
        let answer = async {
            let mut response = refer(self.answer(request, &reference).await, &reference);
            let logged = response.extensions_mut().remove::<Logged>();
            log_answer(&method, response.status(), began, logged.as_ref().map_or("", |logged| logged.0.as_str()));
            response
        };
        let mut response = logging::about(reference.clone(), answer).await;
        secure(&mut response, self.app.https);
        Ok(response)
    }
}

/// The line of a request. What was granted is in the audit trail and costs the log a line only below `info`.
fn log_answer(method: &Method, status: StatusCode, began: Instant, reason: &str) {
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (method, code) = (method.as_str(), status.as_u16());
    if status.is_server_error() {
        tracing::warn!(method, status = code, duration_ms, reason, "answered");
    } else if status.is_client_error() || !reason.is_empty() {
        tracing::info!(method, status = code, duration_ms, reason, "answered");
    } else {
        tracing::debug!(method, status = code, duration_ms, "answered");
    }
}

impl Front {
    async fn answer(&self, mut request: Request, reference: &Arc<str>) -> Response {
        let page = wants_page(&request);
        if let Some(why) = malformed(&request) {
            let head = take_head(&mut request);
            return platform::malformed(&self.app, reference, page.then_some(&head), why);
        }
        if let Some(response) = developer::by_its_own_name(&self.app, &request) {
            return response;
        }
        let destination = match self.destination(&request).await {
            Ok(destination) => destination,
            Err(error) => return JsonFailure::from(error).into_response(reference),
        };
        let peer = self.peer(&request);
        match destination {
            Destination::Nobody => {
                let head = take_head(&mut request);
                platform::nobody(&self.app, reference, page.then_some(&head))
            }
            Destination::Platform => {
                let head = take_head(&mut request);
                request.extensions_mut().insert(head.clone());
                request.extensions_mut().insert((self.app.clone(), reference.clone()));
                let not_found = || platform::nobody(&self.app, reference, page.then_some(&head));
                respond(&self.platform, request, not_found).await
            }
            Destination::Issuer(tenant, path) => {
                logging::about_tenant(tenant.slug.as_str());
                if set_path(&mut request, &path).is_err() {
                    return platform::nobody(&self.app, reference, None);
                }
                let call = Call {
                    store: self.app.store.of(tenant.id),
                    app: self.app.clone(),
                    now: self.app.clock.now(),
                    reference: reference.clone(),
                    tenant: tenant.clone(),
                    peer,
                };
                let head = take_head(&mut request);
                request.extensions_mut().insert(head.clone());
                request.extensions_mut().insert(call.clone());
                let not_found = || match page {
                    true => answer::refusal(&call, &head, answer::PageFailure::not_found()),
                    false => platform::nobody(&self.app, reference, None),
                };
                respond(&self.issuer, request, not_found).await
            }
        }
    }

    /// The tenant by path or host; nothing in a header but `Host` counts, and that only for tenants with a host of
    /// their own.
    async fn destination(&self, request: &Request) -> Result<Destination, crate::store::StoreError> {
        let path = request.uri().path();
        let found = |tenant: Option<Arc<Tenant>>, path: &str| {
            tenant.map_or(Destination::Nobody, |tenant| Destination::Issuer(tenant, path.to_owned()))
        };
        let shared = matches!(path, "/healthz" | "/readyz" | "/errors")
            || path.starts_with("/assets/")
            || path.starts_with("/errors/");
        let own = host_of(request).filter(|host| !shared && !self.is_our_host(host));
        if let Some(host) = own
            && let Some(tenant) = self.app.directory.by_host(&host).await?
        {
            // A host of its own shows that tenant alone.
            let elsewhere = path.starts_with("/t/") || (path.starts_with("/.well-known/") && path.contains("/t/"));
            return Ok(if elsewhere { Destination::Nobody } else { Destination::Issuer(tenant, path.to_owned()) });
        }
        for well_known in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
            // RFC 8414 §3.1: the well-known part is put in front of the issuer's path.
            if let Some(slug) = path.strip_prefix(well_known).and_then(|rest| rest.strip_prefix("/t/")) {
                let Some(slug) = Slug::parse(slug) else { return Ok(Destination::Nobody) };
                return Ok(found(self.app.directory.by_slug(&slug).await?, well_known));
            }
        }
        if let Some(rest) = path.strip_prefix("/t/") {
            let (slug, below) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
            let Some(slug) = Slug::parse(slug) else { return Ok(Destination::Nobody) };
            return Ok(found(self.app.directory.by_slug(&slug).await?, below));
        }
        Ok(Destination::Platform)
    }

    fn is_our_host(&self, host: &str) -> bool {
        self.app.origin.split("://").nth(1).is_some_and(|own| own == host || own.split(':').next() == Some(host))
    }

    fn peer(&self, request: &Request) -> Peer {
        let socket = request.remote_addr().as_socket_addr().map(|address| address.ip());
        let user_agent = request.header("user-agent").map(|agent| {
            let end = (0..=MAX_USER_AGENT.min(agent.len())).rev().find(|at| agent.is_char_boundary(*at)).unwrap_or(0);
            Arc::from(agent.get(..end).unwrap_or_default())
        });
        Peer { address: self.client_address(request, socket), user_agent }
    }

    /// The address of the client: the socket's, unless that is a trusted proxy; then the last address in
    /// `X-Forwarded-For` that is not one itself. What cannot be read counts as the proxy.
    fn client_address(&self, request: &Request, socket: Option<IpAddr>) -> Option<IpAddr> {
        let trusted = |address: IpAddr| self.app.trusted_proxies.iter().any(|network| network.contains(address));
        let socket = socket?;
        if !trusted(socket) {
            return Some(socket);
        }
        let headers: Vec<&str> =
            request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        for hop in headers.iter().rev().flat_map(|header| header.rsplit(',')) {
            match hop.trim().parse::<IpAddr>() {
                Ok(address) if trusted(address) => {}
                Ok(address) => return Some(address),
                Err(_) => return Some(socket),
            }
        }
        Some(socket)
    }
}

/// The parts that handlers look at; poem routes by the address alone.
fn take_head(request: &mut Request) -> Head {
    Head {
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: Arc::new(std::mem::take(request.headers_mut())),
    }
}

async fn respond(routes: &Route, request: Request, not_found: impl Fn() -> Response) -> Response {
    match routes.call(request).await {
        Ok(response) => response,
        Err(error) if error.status() == StatusCode::NOT_FOUND => not_found(),
        Err(error) => {
            let mut response = error.status().into_response();
            response.extensions_mut().insert(Logged(error.to_string()));
            response
        }
    }
}

/// Whether a person looks at the answer.
fn wants_page(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("text/html"))
}

fn host_of(request: &Request) -> Option<String> {
    let host = request.uri().host().map(str::to_owned).or_else(|| request.header("host").map(str::to_owned))?;
    Some(host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_ascii_lowercase())
}

/// What no honest client sends, and what could be read in two ways: the status, and what is wrong.
fn malformed(request: &Request) -> Option<(StatusCode, &'static str)> {
    if request.headers().get_all(header::HOST).iter().count() > 1 {
        return Some((StatusCode::BAD_REQUEST, "two Host headers"));
    }
    let host = request.header("host");
    if let (Some(authority), Some(host)) = (request.uri().authority(), host)
        && !authority.as_str().eq_ignore_ascii_case(host)
    {
        return Some((StatusCode::BAD_REQUEST, "Host differs from the address of the request"));
    }
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
        return Some((StatusCode::URI_TOO_LONG, "the address is too long"));
    }
    let path = request.uri().path();
    // TN08: dots, doubled and encoded slashes could mean another tenant to somebody in front of us.
    let encoded = |path: &str| {
        let path = path.to_ascii_lowercase();
        ["%2e", "%2f", "%5c", "%00"].iter().any(|trick| path.contains(trick))
    };
    let tricky = path.split('/').any(|segment| segment == "." || segment == "..")
        || path.contains("//")
        || path.contains(['\\', ';'])
        || (path.contains('%') && encoded(path));
    (tricky || path.len() > MAX_PATH).then_some((StatusCode::NOT_FOUND, "a path with tricks"))
}

/// Every refusal can be found in the log: one without words gets its reference as the only one.
fn refer(mut response: Response, reference: &str) -> Response {
    let refused = response.status().is_client_error() || response.status().is_server_error();
    let body = response.take_body();
    if !refused || !body.is_empty() {
        response.set_body(body);
        return response;
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.set_body(json!({ "reference": reference }).to_string());
    response
}

fn set_path(request: &mut Request, path: &str) -> Result<(), poem::http::Error> {
    let text = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text)?);
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(())
}

/// Headers that every answer has, whatever it is.
fn secure(response: &mut Response, https: bool) {
    let headers = response.headers_mut();
    headers.reserve(8);
    let mut set = |name: header::HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set(header::CACHE_CONTROL, "no-store");
    set(OPENER_POLICY, "same-origin");
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}
