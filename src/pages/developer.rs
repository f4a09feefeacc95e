//! Pages of a development server: where to begin, caught mail, every component, every error page.

use std::sync::Arc;

use poem::http::{Method, StatusCode};
use poem::{Request, Response};
use url::Url;

use super::answer::{Handled, PageFailure, moment, page, see_other};
use super::assets;
use super::developer_views::{DevErrors, DevMail, Start, StyleGuide};
use super::messages::{self, Messages};
use super::platform::Answering;
use super::views::{Account, ClientCard};
use super::visit::Visit;
use crate::call::{App, Head};
use crate::protocol::client::{Client, ClientOrigin, GrantType};
use crate::protocol::identifiers::Slug;
use crate::protocol::redirect_uri::ApplicationType;
use crate::store::StoreError;
use crate::tenant::Tenant;

/// The tenant that a development server begins with.
const DEMO: &str = "demo";
/// Clients that are listed at most.
const MAX_CLIENTS: u64 = 50;
/// People that are listed at most.
const MAX_PEOPLE: u64 = 20;
/// Arrows of every direction and length, for the style guide.
const SAMPLE_EXCHANGES: [(&str, &str, &str); 6] = [
    ("lane-app", "lane-browser", "303 See Other"),
    ("lane-browser", "lane-server", "GET /authorize"),
    ("lane-server", "lane-browser", "303 See Other"),
    ("lane-browser", "lane-app", "GET /callback"),
    ("lane-app", "lane-server", "POST /token"),
    ("lane-server", "lane-app", "200 OK"),
];

/// A page that is asked for by another name of this machine (`127.0.0.1` where the server is `localhost`): leads to
/// the server's own. Forms and cookies would not work under the other one.
pub fn by_its_own_name(app: &App, request: &Request) -> Option<Response> {
    let page = request.header("accept").is_some_and(|accept| accept.contains("text/html"));
    if !app.dev || request.method() != Method::GET || !page {
        return None;
    }
    let own = Url::parse(&app.origin).ok()?;
    let asked = Url::parse(&format!("{}://{}", own.scheme(), request.header("host")?)).ok()?;
    let other = is_this_machine(&own) && is_this_machine(&asked) && own.host() != asked.host();
    let path = request.uri().path_and_query()?.as_str();
    (other && own.port_or_known_default() == asked.port_or_known_default())
        .then(|| see_other(&format!("{}{path}", app.origin)))
}

fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// `/`: a development server begins at `/start`.
pub fn to_start(_: Arc<App>, _: Head, _: Arc<str>) -> Answering {
    Box::pin(async { see_other("/start") })
}

/// `/start`: issuer, clients and people of the sample tenant, and where to go from here.
pub fn start(app: Arc<App>, head: Head, reference: Arc<str>) -> Answering {
    Box::pin(async move {
        let visit = Visit::of(app, &head, reference);
        let made = start_page(&visit).await;
        visit.answer(made)
    })
}

/// `/dev/mail`: what would have been sent.
///
/// Left out: this version sends no mail, so none is caught.
pub fn mail(app: Arc<App>, head: Head, reference: Arc<str>) -> Answering {
    Box::pin(async move {
        let visit = Visit::of(app, &head, reference);
        visit.answer(page(StatusCode::OK, &DevMail { frame: visit.frame("mail-title"), mails: Vec::new() }, None))
    })
}

/// `/dev/styleguide`: every component in every state.
pub fn style_guide(app: Arc<App>, head: Head, reference: Arc<str>) -> Answering {
    Box::pin(async move {
        let visit = Visit::of(app, &head, reference);
        let now = visit.app.clock.now();
        let card = |logo| ClientCard {
            name: "Notes",
            logo,
            policy_uri: Some("https://notes.example/privacy"),
            tos_uri: Some("https://notes.example/terms"),
            host: Some("notes.example"),
            verified: true,
        };
        let account = |name: &str, signed_in| Account {
            session: String::new(),
            name: name.to_owned(),
            detail: "ada@acme.example".to_owned(),
            signed_in,
        };
        let mut frame = visit.frame("guide-title");
        frame.signed_in = Some(("Ada Lovelace".to_owned(), "#content".to_owned()));
        let view = StyleGuide {
            frame,
            client: card(None),
            pictured: card(Some(assets::href("icon.svg"))),
            accounts: [account("Ada Lovelace", true), account("Ada King", false)],
            time: moment(visit.m, now.plus(-300), now),
            exchanges: SAMPLE_EXCHANGES,
        };
        visit.answer(page(StatusCode::OK, &view, None))
    })
}

/// `/dev/errors`: every error page.
pub fn errors(app: Arc<App>, head: Head, reference: Arc<str>) -> Answering {
    Box::pin(async move {
        let visit = Visit::of(app, &head, reference);
        let row = |kind: &&'static str| {
            let (status, _) = sample(kind);
            (status.as_u16(), *kind, visit.m.error(kind).title, format!("/dev/errors/{kind}{}", visit.kept))
        };
        let rows = messages::ERROR_KINDS.iter().map(row).collect();
        visit.answer(page(StatusCode::OK, &DevErrors { frame: visit.frame("dev-errors-title"), rows }, None))
    })
}

/// `/dev/errors/{kind}`: one error page, with the status that it has in earnest.
pub fn one_error(app: Arc<App>, head: Head, reference: Arc<str>) -> Answering {
    Box::pin(async move {
        let asked = head.uri.path().rsplit('/').next().unwrap_or_default();
        let Some(kind) = messages::ERROR_KINDS.into_iter().find(|kind| *kind == asked) else {
            return Visit::of(app, &head, reference).refusal(PageFailure::not_found());
        };
        let (status, code) = sample(kind);
        let failure = PageFailure::new(status, kind, code, "a sample from /dev/errors");
        let visit = Visit::of(app, &head, reference);
        let failure = match kind {
            "bad-redirect-uri" | "cookies-needed" | "other-browser" => {
                failure.back_to(Some(("Notes".to_owned(), "https://notes.example/".to_owned())))
            }
            "form-expired" | "server-error" | "too-many-requests" | "unavailable" => {
                failure.again_at(format!("{}{}", visit.path, visit.kept))
            }
            _ => failure,
        };
        visit.refusal(failure)
    })
}

/// The status and the code that usually go with a kind of error.
fn sample(kind: &str) -> (StatusCode, &'static str) {
    match kind {
        "access-denied" | "account-unavailable" | "tenant-suspended" | "unmet-requirements" => {
            (StatusCode::FORBIDDEN, "access_denied")
        }
        "cookies-needed" | "forbidden" | "form-expired" | "other-browser" => (StatusCode::FORBIDDEN, "forbidden"),
        "login-required" => (StatusCode::FORBIDDEN, "login_required"),
        "not-found" | "unknown-tenant" => (StatusCode::NOT_FOUND, "not_found"),
        "method-not-allowed" => (StatusCode::METHOD_NOT_ALLOWED, "invalid_request"),
        "expired" | "link-used" => (StatusCode::GONE, "gone"),
        "too-large" => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
        "too-many-requests" => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
        "server-error" => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        "unavailable" => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        "unauthorized-client" => (StatusCode::BAD_REQUEST, "unauthorized_client"),
        _ => (StatusCode::BAD_REQUEST, "invalid_request"),
    }
}

/// The sample tenant; if it was removed, the first one that there is.
async fn sample_tenant(app: &App) -> Result<Option<Arc<Tenant>>, StoreError> {
    if let Some(slug) = Slug::parse(DEMO)
        && let Some(tenant) = app.directory.by_slug(&slug).await?
    {
        return Ok(Some(tenant));
    }
    match app.store.tenants("", 1).await?.first() {
        Some((slug, _, _)) => app.directory.by_slug(slug).await,
        None => Ok(None),
    }
}

async fn start_page(visit: &Visit) -> Handled {
    let Visit { app, m, kept, .. } = visit;
    let missing = || {
        PageFailure::new(StatusCode::NOT_FOUND, "unknown-tenant", "not_found", "there is no tenant below a path yet")
    };
    let tenant = sample_tenant(app).await?.ok_or_else(missing)?;
    let store = app.store.of(tenant.id);
    let clients = store.clients("", MAX_CLIENTS, &tenant.secrets.client_secret).await?;
    let mut people = store.users(None, MAX_PEOPLE).await?;
    people.sort_by_key(|person| person.created_at);
    let person = |user: crate::protocol::user::User| {
        let email = user.text_claim("email").unwrap_or_default().to_owned();
        (user.username, email)
    };
    let view = Start {
        frame: visit.frame("start-title"),
        issuer: &tenant.issuer,
        clients: clients
            .iter()
            .filter(|client| client.origin == ClientOrigin::Administrator)
            .map(|client| row(m, client))
            .collect(),
        people: people.into_iter().map(person).collect(),
        links: vec![
            ("start-playground", format!("{}{kept}", tenant.at("playground"))),
            ("start-account", format!("{}{kept}", tenant.at("account/sessions"))),
            ("start-mail", format!("/dev/mail{kept}")),
            ("start-errors", format!("/dev/errors{kept}")),
            ("start-styleguide", format!("/dev/styleguide{kept}")),
        ],
    };
    page(StatusCode::OK, &view, None)
}

/// A client as a row: identifier, kind, secret, redirect URI. Only hashes of secrets are stored.
fn row(m: &Messages, client: &Client) -> [String; 4] {
    let metadata = &client.metadata;
    let kind = match (client.may_use(GrantType::AuthorizationCode), client.is_public(), metadata.application_type) {
        (false, _, _) => "start-kind-machine",
        (true, false, _) => "start-kind-web",
        (true, true, ApplicationType::Web) => "start-kind-spa",
        (true, true, ApplicationType::Native) => "start-kind-native",
    };
    let secret = if client.secret_hash.is_some() { m.t("start-secret-shown") } else { "" };
    let uri = metadata.redirect_uris.first().map(ToString::to_string).unwrap_or_default();
    [client.id.to_string(), m.t(kind).to_owned(), secret.to_owned(), uri]
}
