//! The playground of a development server: runs a flow as a client would, and shows every message and token.
//!
//! The browser goes through the real pages; what the app would ask by itself goes through the real handlers, in this
//! process. Between start and callback everything is sealed in `state`. What came out is kept in memory for a while,
//! so that the callback can end in a redirect: reloading never redeems a code twice.

mod decode;
mod flow;
mod wire;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use moka::future::Cache;
use poem::Body;
use poem::http::StatusCode;
use serde::{Deserialize, Serialize};

use self::flow::{Pending, Run};
use super::answer::{Handled, PageFailure, frame, is_own_origin, language, page, see_other};
use super::browser::{Browser, keep_language};
use super::developer_views::{Exchange, Playground};
use super::interaction::read_form;
use super::views::{Form, Notice};
use crate::call::{Call, Head};
use crate::mint;
use crate::protocol::client::{Client, GrantType};
use crate::protocol::identifiers::{ClientId, TenantId};
use crate::protocol::params::Params;
use crate::store::StoreError;

/// What the anti-forgery token is for.
const PURPOSE: &str = "playground";
/// The client that comes with the demo tenant.
const OWN_CLIENT: &str = "playground";
/// Clients that are looked at for others that may be used.
const MAX_CLIENTS: u64 = 100;
/// Runs that are kept at most, for all tenants together.
const MAX_RUNS: u64 = 100;
/// How long a run is kept.
const RUN_LIFETIME: Duration = Duration::from_secs(900);

/// Names a run: tenant, hash of the browser's secret, a name of its own.
type RunKey = (TenantId, Vec<u8>, String);

/// What came out, for the browser that ran it.
static RUNS: LazyLock<Cache<RunKey, Arc<Run>>> =
    LazyLock::new(|| Cache::builder().max_capacity(MAX_RUNS).time_to_live(RUN_LIFETIME).build());

/// A flow that can be run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Flow {
    /// RFC 6749 §4.1.
    #[default]
    Code,
    /// The same, and then RFC 6749 §6.
    Refresh,
}

impl Flow {
    /// Value in the form, and text.
    const ALL: [(Self, &'static str, &'static str); 2] =
        [(Self::Code, "code", "playground-flow-code"), (Self::Refresh, "refresh", "playground-flow-refresh")];
}

/// Something that can be added or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Toggle {
    /// RFC 7636. Without it the server refuses a public client: that may be seen too.
    Pkce,
    /// OpenID Connect Core §11.
    Offline,
    /// RFC 8707, and the scopes of that resource.
    Resource,
    /// OpenID Connect Core §5.5.
    Claims,
}

impl Toggle {
    /// Value in the form, and text.
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Pkce, "pkce", "playground-with-pkce"),
        (Self::Offline, "offline", "playground-with-offline-access"),
        (Self::Resource, "resource", "playground-with-resource"),
        (Self::Claims, "claims", "playground-with-claims"),
    ];
}

/// What is to be run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Choice {
    client: String,
    flow: Flow,
    with: Vec<Toggle>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { client: OWN_CLIENT.to_owned(), flow: Flow::default(), with: vec![Toggle::Pkce] }
    }
}

impl Choice {
    fn of(form: &Params) -> Self {
        let flow = Flow::ALL.into_iter().find(|(_, value, _)| form.get("flow") == Some(value));
        let ticked = |value: &str| form.all("with").any(|with| with == value);
        Self {
            client: form.get("client").unwrap_or(OWN_CLIENT).to_owned(),
            flow: flow.map_or_else(Flow::default, |(flow, _, _)| flow),
            with: Toggle::ALL.into_iter().filter(|(_, value, _)| ticked(value)).map(|(toggle, _, _)| toggle).collect(),
        }
    }
}

/// Where the playground gets its codes.
fn callback_uri(call: &Call) -> String {
    call.tenant.at("playground/callback")
}

/// Whether the playground can be this client: it needs no secret, and its codes come here.
fn can_be(call: &Call, client: &Client) -> bool {
    let kind = client.metadata.application_type;
    let comes_here = client.metadata.redirect_uris.iter().any(|uri| uri.admits(&callback_uri(call), kind));
    client.enabled && client.is_public() && client.may_use(GrantType::AuthorizationCode) && comes_here
}

/// The clients that the playground can be, its own one first.
async fn clients(call: &Call) -> Result<Vec<Arc<Client>>, StoreError> {
    let own = match ClientId::parse(OWN_CLIENT) {
        Some(id) => call.client(&id).await?,
        None => None,
    };
    let others = call.store.clients("", MAX_CLIENTS, &call.tenant.secrets.client_secret).await?;
    let others = others.into_iter().filter(|client| client.id.as_str() != OWN_CLIENT).map(Arc::new);
    Ok(own.into_iter().chain(others).filter(|client| can_be(call, client)).collect())
}

fn no_client(call: &Call) -> PageFailure {
    let uri = callback_uri(call);
    let log = format!("no public client here has the redirect URI {uri}; register one named {OWN_CLIENT} with it");
    PageFailure::new(StatusCode::NOT_FOUND, "unknown-client", "not_found", log)
}

/// `GET {iss}/playground`: what can be run, and what came out the last time.
///
/// # Errors
/// The tenant has no client for it, or the database failed.
pub async fn show(call: Call, head: Head, _: Body) -> Handled {
    let browser = Browser::of(&call, &head).await?;
    let query = Params::parse_leniently(head.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let (id, run) = match query.get("run") {
        Some(id) => (id, RUNS.get(&key(&call, &browser, id)).await),
        None => ("", None),
    };
    let clients = clients(&call).await?;
    if clients.is_empty() {
        return Err(no_client(&call));
    }
    let m = language(&call, &head, None);
    let choice = run.as_ref().map(|run| run.choice.clone()).unwrap_or_default();
    let action = format!("{}/playground", call.tenant.path);
    let here = if run.is_some() { format!("{action}?run={id}&lang=") } else { format!("{action}?lang=") };
    let csrf = browser.token(&call, PURPOSE);
    let exchange = |step: &wire::Step| Exchange {
        lanes: step.lanes,
        line: step.line.clone(),
        note: m.t(step.note).to_owned(),
        raw: step.raw.clone(),
        curl: step.curl.clone(),
    };
    let refreshable = clients.iter().any(|client| client.may_use(GrantType::RefreshToken));
    let flows = Flow::ALL.into_iter().filter(|(flow, _, _)| *flow != Flow::Refresh || refreshable);
    let toggles = Toggle::ALL
        .into_iter()
        .filter(|(toggle, _, _)| *toggle != Toggle::Resource || !call.tenant.resources.is_empty());
    let option = |client: &Arc<Client>| {
        (client.id.to_string(), client.display_name().to_owned(), client.id.as_str() == choice.client)
    };
    let (exchanges, tokens) = run.as_ref().map_or_else(Default::default, |run| {
        let tokens = run.tokens.iter().map(|(name, raw)| decode::token(m, name, raw, call.now));
        (run.steps.iter().map(exchange).collect(), tokens.collect())
    });
    let outcome = run.as_ref().map(|run| match &run.refusal {
        Some(reason) => Notice { tone: "danger", text: m.with("playground-refused", &[("reason", reason)]) },
        None => Notice { tone: "ok", text: m.t("playground-done").to_owned() },
    });
    let view = Playground {
        frame: frame(&call, m, m.t("playground-title").to_owned(), &here),
        form: Form { action: &action, csrf: &csrf, hidden: Vec::new() },
        clients: clients.iter().map(option).collect(),
        flows: flows.map(|(flow, value, text)| (value, text, flow == choice.flow)).collect(),
        toggles: toggles.map(|(toggle, value, text)| (value, text, choice.with.contains(&toggle))).collect(),
        outcome,
        exchanges,
        tokens,
    };
    let mut response = page(StatusCode::OK, &view, None)?;
    browser.introduce(&call, &mut response);
    keep_language(&call, &head, &mut response);
    Ok(response)
}

/// `POST {iss}/playground`: sends the browser to the authorization endpoint, as an app would.
///
/// # Errors
/// The form is not our own, or the client cannot be used.
pub async fn start(call: Call, head: Head, body: Body) -> Handled {
    if !is_own_origin(&call, &head) {
        return Err(PageFailure::forged("the form comes from another site"));
    }
    let form = read_form(&head, body).await?;
    let browser = Browser::of(&call, &head).await?;
    if !browser.token_matches(&call, PURPOSE, form.get("csrf").unwrap_or_default()) {
        return Err(PageFailure::forged("the anti-forgery token is not that of this browser and page"));
    }
    let choice = Choice::of(&form);
    let clients = clients(&call).await?;
    let client = clients.iter().find(|client| client.id.as_str() == choice.client).ok_or_else(|| no_client(&call))?;
    let pending = Pending::new(&call, client, choice);
    let state = pending.seal(&call, &browser)?;
    Ok(see_other(&pending.address(&call, &state)))
}

/// `GET {iss}/playground/callback`: takes the code, runs the rest of the flow, and goes back to the playground.
///
/// # Errors
/// The answer belongs to no run of this browser.
pub async fn callback(call: Call, head: Head, _: Body) -> Handled {
    let browser = Browser::of(&call, &head).await?;
    let unreadable = |error| PageFailure::new(StatusCode::BAD_REQUEST, "invalid-request", "invalid_request", error);
    let params = Params::parse(head.query().unwrap_or_default().as_bytes()).map_err(unreadable)?;
    let pending = Pending::open(&call, &browser, params.get("state").unwrap_or_default())?;
    let run = flow::run(&call, pending, &params).await?;
    let id = mint::handle();
    RUNS.insert(key(&call, &browser, &id), Arc::new(run)).await;
    Ok(see_other(&format!("{}/playground?run={id}#sequence-title", call.tenant.path)))
}

fn key(call: &Call, browser: &Browser, id: &str) -> RunKey {
    (call.tenant.id, browser.hash().bytes().to_vec(), id.to_owned())
}
