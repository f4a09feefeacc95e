//! The flows as a careful client runs them — RFC 6749 §4.1 and §6, RFC 7636, RFC 9207 §2.4, OpenID Connect Core §3.1.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::{self, BROWSER, Outgoing, Pair, Step};
use super::{Choice, Flow, Toggle, callback_uri};
use crate::call::Call;
use crate::mint;
use crate::pages::answer::PageFailure;
use crate::pages::browser::Browser;
use crate::protocol::client::Client;
use crate::protocol::params::Params;
use crate::protocol::scope::{OFFLINE_ACCESS, OPENID};
use crate::protocol::timestamp::Timestamp;

/// A person may take so many seconds to sign in.
const PATIENCE: i64 = 1800;
/// What `state` is sealed for.
const CONTEXT: &[u8] = b"playground";
/// Claims that would else come from userinfo, wished in the ID token (OpenID Connect Core §5.5).
const CLAIMS: &str = r#"{"id_token":{"email":null,"name":null}}"#;

/// A flow that waits for the browser to come back; it travels in `state`, sealed for that browser.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    choice: Choice,
    /// The authorization request, without `state`.
    request: Vec<Pair>,
    verifier: Option<String>,
    until: Timestamp,
}

/// What came of a flow.
pub(super) struct Run {
    pub(super) choice: Choice,
    pub(super) steps: Vec<Step>,
    /// Name and text of every token, in the order they came.
    pub(super) tokens: Vec<(String, String)>,
    /// What ended the flow early: an error code, and its description.
    pub(super) refusal: Option<String>,
}

impl Pending {
    pub(super) fn new(call: &Call, client: &Client, choice: Choice) -> Self {
        let has = |toggle| choice.with.contains(&toggle);
        let verifier = has(Toggle::Pkce).then(|| mint::secret().expose().to_owned());
        let resource = call.tenant.resources.first().filter(|_| has(Toggle::Resource));
        let of_a_resource = |token: &str| call.tenant.resources.iter().any(|resource| resource.scope.contains(token));
        let wished = |token: &&str| match *token {
            OFFLINE_ACCESS => has(Toggle::Offline),
            token => resource.is_some_and(|resource| resource.scope.contains(token)) || !of_a_resource(token),
        };
        let scope: Vec<&str> = client.metadata.scope.tokens().filter(wished).collect();
        let mut request = vec![
            wire::pair("response_type", "code"),
            wire::pair("client_id", client.id.as_str()),
            wire::pair("redirect_uri", &callback_uri(call)),
            wire::pair("scope", &scope.join(" ")),
        ];
        if scope.contains(&OPENID) {
            request.push(wire::pair("nonce", &mint::handle()));
        }
        if let Some(verifier) = &verifier {
            // RFC 7636 §4.2: BASE64URL-ENCODE(SHA256(ASCII(code_verifier))).
            request.push(wire::pair("code_challenge", &URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))));
            request.push(wire::pair("code_challenge_method", "S256"));
        }
        if let Some(resource) = resource {
            request.push(wire::pair("resource", &resource.resource));
        }
        if has(Toggle::Claims) {
            request.push(wire::pair("claims", CLAIMS));
        }
        Self { choice, request, verifier, until: call.now.plus(PATIENCE) }
    }

    pub(super) fn seal(&self, call: &Call, browser: &Browser) -> Result<String, PageFailure> {
        let failed =
            |error: String| PageFailure::new(StatusCode::INTERNAL_SERVER_ERROR, "server-error", "server_error", error);
        let plain = serde_json::to_vec(self).map_err(|error| failed(error.to_string()))?;
        call.tenant.secrets.handle.seal_text(&context(browser), &plain).map_err(|error| failed(error.to_string()))
    }

    /// Opens the `state` of an answer: another browser's, or one that we did not make, does not open.
    pub(super) fn open(call: &Call, browser: &Browser, state: &str) -> Result<Self, PageFailure> {
        let foreign = || {
            PageFailure::new(
                StatusCode::FORBIDDEN,
                "other-browser",
                "forbidden",
                "state was not made here for this browser",
            )
        };
        let plain = call.tenant.secrets.handle.open_text(&context(browser), state).map_err(|_| foreign())?;
        let pending: Self = serde_json::from_slice(&plain).map_err(|_| foreign())?;
        if pending.until <= call.now {
            return Err(PageFailure::new(
                StatusCode::GONE,
                "expired",
                "expired",
                "the run of the playground took too long",
            ));
        }
        Ok(pending)
    }

    fn request_with(&self, state: &str) -> Vec<Pair> {
        self.request.iter().cloned().chain(std::iter::once(wire::pair("state", state))).collect()
    }

    /// Where the browser is sent.
    pub(super) fn address(&self, call: &Call, state: &str) -> String {
        format!("{}?{}", call.tenant.at("authorize"), wire::encoded(&self.request_with(state)))
    }
}

fn context(browser: &Browser) -> Vec<u8> {
    [CONTEXT, browser.hash().bytes()].concat()
}

/// Everything from the request to the last answer; the first refusal ends it.
pub(super) async fn run(call: &Call, pending: Pending, answer: &Params) -> Result<Run, PageFailure> {
    let mut run = Run {
        choice: pending.choice.clone(),
        steps: front_channel(call, &pending, answer),
        tokens: Vec::new(),
        refusal: refusal(answer.get("error"), answer.get("error_description")),
    };
    // RFC 9207 §2.4: an answer of another issuer ends the flow, its code is sent nowhere.
    if answer.get("iss") != Some(call.tenant.issuer.as_str()) {
        run.refusal = refusal(Some("iss"), Some("the answer is not from this issuer"));
        return Ok(run);
    }
    let Some(code) = answer.get("code") else { return Ok(run) };
    let mut form = vec![
        wire::pair("grant_type", "authorization_code"),
        wire::pair("client_id", &pending.choice.client),
        wire::pair("redirect_uri", &callback_uri(call)),
        wire::pair("code", code),
    ];
    form.extend(pending.verifier.as_deref().map(|verifier| wire::pair("code_verifier", verifier)));
    let Some(first) = run.tokens_for(call, form, "step-token").await? else { return Ok(run) };
    let text = |name: &str| first.get(name).and_then(Value::as_str);
    let openid = text("scope").is_some_and(|scope| scope.split(' ').any(|token| token == OPENID));
    // RFC 8707 §2: a token for a resource is for nobody else, userinfo included.
    let elsewhere = pending.request.iter().any(|(name, _)| name == "resource");
    if let Some(token) = text("access_token").filter(|_| openid && !elsewhere) {
        run.ask(call, Outgoing::userinfo(token), "step-userinfo").await?;
    }
    let refresh = text("refresh_token").filter(|_| pending.choice.flow == Flow::Refresh);
    if let Some(token) = refresh {
        let form = vec![
            wire::pair("grant_type", "refresh_token"),
            wire::pair("client_id", &pending.choice.client),
            wire::pair("refresh_token", token),
        ];
        run.tokens_for(call, form, "step-refresh").await?;
    }
    Ok(run)
}

/// What the browser carried: the way there, the way back.
fn front_channel(call: &Call, pending: &Pending, answer: &Params) -> Vec<Step> {
    let state = answer.get("state").unwrap_or_default();
    let there = pending.request_with(state);
    let back: Vec<Pair> = answer.pairs().map(|(name, value)| wire::pair(name, value)).collect();
    let authorize = call.tenant.at("authorize");
    vec![
        wire::redirect((wire::APP, BROWSER), &authorize, &there, "step-authorize"),
        wire::visit(call, (BROWSER, wire::SERVER), "authorize", &there, "step-interaction"),
        wire::redirect((wire::SERVER, BROWSER), &callback_uri(call), &back, "step-answer"),
        wire::visit(call, (BROWSER, wire::APP), "playground/callback", &back, "step-callback"),
    ]
}

fn refusal(code: Option<&str>, description: Option<&str>) -> Option<String> {
    Some(match description {
        Some(description) => format!("{}: {description}", code?),
        None => code?.to_owned(),
    })
}

impl Run {
    /// Asks the server, and writes down question and answer. `None` unless the answer is a success.
    async fn ask(
        &mut self,
        call: &Call,
        request: Outgoing,
        note: &'static str,
    ) -> Result<Option<Map<String, Value>>, PageFailure> {
        self.steps.push(request.step(call, note));
        let answer = request.send(call).await?;
        self.steps.push(answer.step());
        let success = answer.success();
        if success.is_none() {
            let (code, description) = answer.error();
            self.refusal = refusal(code.as_deref(), description.as_deref());
        }
        Ok(success)
    }

    /// Asks the token endpoint, and keeps the tokens that come.
    async fn tokens_for(
        &mut self,
        call: &Call,
        form: Vec<Pair>,
        note: &'static str,
    ) -> Result<Option<Map<String, Value>>, PageFailure> {
        let Some(answer) = self.ask(call, Outgoing::token(form), note).await? else { return Ok(None) };
        for name in ["id_token", "access_token", "refresh_token"] {
            let Some(token) = answer.get(name).and_then(Value::as_str) else { continue };
            let before = self.tokens.iter().filter(|(known, _)| known.split(' ').next() == Some(name)).count();
            let name = if before == 0 { name.to_owned() } else { format!("{name} {}", before + 1) };
            self.tokens.push((name, token.to_owned()));
        }
        Ok(Some(answer))
    }
}
