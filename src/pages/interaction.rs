//! The steps between a request and its answer: one transaction per attempt, whatever tabs and buttons do.
//!
//! Until a person acts, the transaction is a sealed handle in the page; from then on it is a row. Every step is
//! the guard of its change, so that it happens once; every POST ends in a redirect to a GET.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::http::StatusCode;
use poem::{Body, Response};

use super::answer::{Handled, PageFailure, frame, here, is_own_origin, language, page, refuse_if_closed, see_other};
use super::authorize::{refuse, refuse_stranger};
use super::browser::{Browser, keep_language};
use super::conclude::{allowed, allowed_before, answer, begin_session, finish, issue_code, make_room};
use super::methods::{self, Attempt, Method};
use super::views::Resume;
use super::{new_account, steps};
use crate::call::{Call, Head};
use crate::endpoints::{MAX_FORM, is_form};
use crate::mint;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::client::Client;
use crate::protocol::identifiers::SessionId;
use crate::protocol::params::Params;
use crate::protocol::secret::{Secret, SecretHash};
use crate::protocol::user::User;
use crate::sign_in::engine::{self, Consent, Next, Notice, Progress, Situation, Wish};
use crate::sign_in::session::Session;
use crate::store::sign_ins::SignIn;
use crate::store::{Change, Outcome, StoreError};

/// What handles are sealed for.
const HANDLE_CONTEXT: &[u8] = b"sign-in";
/// The box "Keep me signed in".
const KEEP: &str = "keep";
/// What a person turns to, in addresses.
pub(super) const WISH: &str = "wish";

/// What a step needs at hand.
pub(super) struct Step<'a> {
    pub(super) call: &'a Call,
    pub(super) head: &'a Head,
    pub(super) browser: &'a Browser,
    pub(super) sign_in: &'a SignIn,
    pub(super) client: &'a Arc<Client>,
}

impl Step<'_> {
    /// The sealed handle that stands for a transaction without a row.
    pub(super) fn handle(&self) -> Result<String, PageFailure> {
        if self.sign_in.version > 0 {
            return Ok(String::new());
        }
        let failed =
            |error: String| PageFailure::new(StatusCode::INTERNAL_SERVER_ERROR, "server-error", "server_error", error);
        let SignIn { id, browser_hash, request, expires_at, .. } = self.sign_in;
        // The hash as text: as a list of numbers it would be half as long as all the rest.
        let browser = URL_SAFE_NO_PAD.encode(browser_hash.bytes());
        let sealed =
            serde_json::to_vec(&(id, browser, request, expires_at)).map_err(|error| failed(error.to_string()))?;
        self.call.tenant.secrets.handle.seal_text(HANDLE_CONTEXT, &sealed).map_err(|error| failed(error.to_string()))
    }
}

fn open_handle(call: &Call, handle: &str) -> Option<SignIn> {
    let plain = call.tenant.secrets.handle.open_text(HANDLE_CONTEXT, handle).ok()?;
    let (id, browser, request, expires_at): (String, String, _, _) = serde_json::from_slice(&plain).ok()?;
    Some(SignIn {
        id,
        browser_hash: SecretHash::stored(URL_SAFE_NO_PAD.decode(browser).ok()?),
        request,
        progress: Progress::default(),
        version: 0,
        expires_at,
        finished_at: None,
    })
}

/// Shows what comes next, or sends the answer: the one place where that is decided.
///
/// # Errors
/// The database or a template failed.
pub(super) async fn show(call: &Call, head: &Head, browser: &Browser, sign_in: SignIn, client: Arc<Client>) -> Handled {
    let step = Step { call, head, browser, sign_in: &sign_in, client: &client };
    let (next, consent) = decide(&step).await?;
    let mut response = match next {
        Next::Finish(session) => return finish(&step, session, consent).await,
        Next::Refuse(refusal) => {
            let refused = sign_in.request.refuse(refusal);
            refuse_stranger(call, head, browser, &client, &refused)?;
            return refuse(call, head, &client, refused, sign_in.request.ui_locales.as_deref());
        }
        Next::SignIn(reason) => steps::sign_in(&step, reason)?,
        Next::Register => new_account::form(&step)?,
        Next::ChooseAccount => steps::choose_account(&step)?,
        Next::Consent { scope, resources, more } => {
            let asked = match &consent {
                _ if more => steps::Asked::Also,
                Some(before) if before.answers(&sign_in.request) => steps::Asked::Again,
                Some(_) | None => steps::Asked::First,
            };
            steps::consent(&step, (&scope, &resources), asked, consent.as_ref())?
        }
    };
    browser.introduce(call, &mut response);
    // Applications open sign-in in a pop-up and wait for it to come back: these pages keep their opener.
    let kept = poem::http::HeaderValue::from_static("unsafe-none");
    response.headers_mut().insert("cross-origin-opener-policy", kept);
    keep_language(call, head, &mut response);
    Ok(response)
}

/// What comes next, and what the person allowed before.
///
/// # Errors
/// A failure of the database.
pub(super) async fn decide(step: &Step<'_>) -> Result<(Next, Option<Consent>), PageFailure> {
    let sessions = step.browser.sessions();
    let situation = |consent| Situation {
        request: &step.sign_in.request,
        client: step.client,
        sessions: &sessions,
        progress: &step.sign_in.progress,
        consent,
        registration: step.call.tenant.settings.self_registration,
        now: step.call.now,
    };
    // Consent is looked up only for a person who is there and a client that has to ask.
    let person = engine::current_session(&situation(None)).map(|session| session.user_id);
    let consent = match person {
        Some(user) => allowed_before(step, user).await?,
        None => None,
    };
    Ok((engine::next(&situation(consent.as_ref())), consent))
}

/// `GET /interaction/{id}`: the page of a transaction as it is now.
///
/// # Errors
/// The transaction is gone or belongs to another browser.
pub async fn current(call: Call, head: Head, _: Body) -> Handled {
    let browser = Browser::of(&call, &head).await?;
    let id = id_of(&head);
    let query = Params::parse_leniently(head.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let Some(mut sign_in) = load(&call, &browser, id, query.get("handle")).await? else {
        return resume(&call, &head, None).await;
    };
    if sign_in.finished_at.is_some() || sign_in.expires_at <= call.now {
        return resume(&call, &head, Some(&sign_in)).await;
    }
    // "Use another account" is a link: it changes nothing until that account signs in.
    if query.has("another") {
        let progress = std::mem::take(&mut sign_in.progress);
        // Also for somebody who has signed in or chosen an account in this very attempt.
        sign_in.progress = Progress { another: true, session_id: None, chosen: false, signed_in: false, ..progress };
    }
    // So are the ways between signing in and making an account.
    if let Some(wish) = query.get(WISH).and_then(Wish::parse) {
        sign_in.progress.turn_to(wish);
    }
    let client = client_of(&call, &sign_in).await?;
    show(&call, &head, &browser, sign_in, client).await
}

/// `POST /interaction/{id}/{step}`: a method's attempt, a chosen account, a decision.
///
/// # Errors
/// The form is not our own, or the transaction is gone.
pub async fn act(call: Call, head: Head, body: Body) -> Handled {
    if !is_own_origin(&call, &head) {
        return Err(PageFailure::forged("the form comes from another site"));
    }
    let form = read_form(&head, body).await?;
    let browser = Browser::of(&call, &head).await?;
    let id = id_of(&head);
    let (here, handle) = (format!("{}/interaction/{id}", call.tenant.path), form.get("handle"));
    if !browser.token_matches(&call, id, form.get("csrf").unwrap_or_default()) {
        return Err(unproven(&call, &browser, id, handle).await?);
    }
    let Some(sign_in) = load(&call, &browser, id, handle).await? else {
        return resume(&call, &head, None).await;
    };
    if sign_in.finished_at.is_some() || sign_in.expires_at <= call.now {
        return if sign_in.version == 0 { resume(&call, &head, Some(&sign_in)).await } else { Ok(see_other(&here)) };
    }
    refuse_if_closed(&call)?;
    let client = client_of(&call, &sign_in).await?;
    let step = Step { call: &call, head: &head, browser: &browser, sign_in: &sign_in, client: &client };
    let name = head.uri.path().rsplit('/').next().unwrap_or_default();
    let done = match name {
        "account" => account(&step, &form, &here).await?,
        "consent" => super::consent::consent(&step, &form).await?,
        "register" => new_account::register(&step, &form, &here).await?,
        name => match methods::by_name(name) {
            Some(method) => attempt(&step, method, &form, &here).await?,
            None => return Err(PageFailure::not_found()),
        },
    };
    // Somebody (another tab, a double click) was first with this step: show how it is now.
    Ok(done.unwrap_or_else(|| see_other(&with_handle(here, handle.filter(|_| sign_in.version == 0)))))
}

fn with_handle(here: String, handle: Option<&str>) -> String {
    match handle {
        Some(handle) => format!("{here}?handle={handle}"),
        None => here,
    }
}

/// Why a form does not count whose token is not that of this browser and page, and the way on from there.
async fn unproven(call: &Call, browser: &Browser, id: &str, handle: Option<&str>) -> Result<PageFailure, PageFailure> {
    if browser.is_new() {
        let log = "the browser sent no cookie of ours with the form";
        let failure = PageFailure::new(StatusCode::FORBIDDEN, "cookies-needed", "forbidden", log);
        let sign_in = handle.and_then(|handle| open_handle(call, handle)).filter(|sign_in| sign_in.id == id);
        return Ok(failure.back_to(match sign_in {
            Some(sign_in) => start_by_id(call, &sign_in).await?,
            None => None,
        }));
    }
    let known = load(call, browser, id, handle).await?;
    let failure = PageFailure::forged("the anti-forgery token is not that of this browser and page");
    let here = format!("{}/interaction/{id}", call.tenant.path);
    Ok(match known {
        Some(sign_in) => failure.again_at(with_handle(here, handle.filter(|_| sign_in.version == 0))),
        None => failure,
    })
}

/// The form of a page of ours.
///
/// # Errors
/// It cannot be read.
pub(super) async fn read_form(head: &Head, body: Body) -> Result<Params, PageFailure> {
    let malformed = |log: String| PageFailure::new(StatusCode::BAD_REQUEST, "invalid-request", "invalid_request", log);
    if !is_form(&head.headers) {
        return Err(malformed("the body is not a form".to_owned()));
    }
    let too_large = |error: poem::error::ReadBodyError| {
        PageFailure::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "invalid_request", error)
    };
    let bytes = body.into_bytes_limit(MAX_FORM).await.map_err(too_large)?;
    // Check boxes share a name, so a repetition is no fault here.
    Params::parse_leniently(&bytes).map_err(|error| malformed(error.to_string()))
}

fn id_of(head: &Head) -> &str {
    head.uri.path().strip_prefix("/interaction/").and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

async fn client_of(call: &Call, sign_in: &SignIn) -> Result<Arc<Client>, PageFailure> {
    let client = call.client(&sign_in.request.client_id).await?.filter(|client| client.enabled);
    client.ok_or_else(|| {
        PageFailure::new(StatusCode::BAD_REQUEST, "unknown-client", "invalid_request", "the client is gone")
    })
}

/// The transaction, from its row or its handle.
async fn load(call: &Call, browser: &Browser, id: &str, handle: Option<&str>) -> Result<Option<SignIn>, PageFailure> {
    let sign_in = match call.store.sign_in(id).await? {
        Some(sign_in) => Some(sign_in),
        None => handle.and_then(|handle| open_handle(call, handle)).filter(|sign_in| sign_in.id == id),
    };
    match sign_in {
        Some(sign_in) if sign_in.browser_hash.bytes() != browser.hash().bytes() => {
            let log = "the transaction belongs to another browser";
            let failure = PageFailure::new(StatusCode::FORBIDDEN, "other-browser", "forbidden", log);
            Err(failure.back_to(start_by_id(call, &sign_in).await?))
        }
        sign_in => Ok(sign_in),
    }
}

/// The name of a client that somebody vouches for, and the address at which it begins a sign-in: its own for that, or
/// else its home page.
pub(super) fn start_of(call: &Call, client: &Client) -> Option<(String, String)> {
    let metadata = &client.metadata;
    let address = match &metadata.initiate_login_uri {
        Some(uri) => {
            // Core §4: `iss` tells the client who is to sign the person in.
            let mut address = url::Url::parse(uri).ok()?;
            address.query_pairs_mut().append_pair("iss", &call.tenant.issuer);
            address.to_string()
        }
        None => metadata.client_uri.clone()?,
    };
    (!engine::is_unverified(client)).then(|| (client.display_name().to_owned(), address))
}

async fn start_by_id(call: &Call, sign_in: &SignIn) -> Result<Option<(String, String)>, PageFailure> {
    let client = call.client(&sign_in.request.client_id).await?;
    Ok(client.and_then(|client| start_of(call, &client)))
}

pub(super) async fn resume(call: &Call, head: &Head, sign_in: Option<&SignIn>) -> Handled {
    let m = language(call, head, None);
    let finished = sign_in.is_some_and(|sign_in| sign_in.finished_at.is_some());
    let title = m.t(if finished { "resume-finished" } else { "resume-expired" }).to_owned();
    let client = match sign_in {
        Some(sign_in) => call.client(&sign_in.request.client_id).await?,
        None => None,
    };
    // Nobody is stuck: there is a way back to the client, if it told one.
    let start = client.as_ref().and_then(|client| start_of(call, client));
    let view = Resume {
        frame: frame(call, m, title, here(head)),
        finished,
        start_href: start.as_ref().map(|(_, address)| address.as_str()),
        client: client.as_ref().map(|client| client.display_name()),
    };
    let mut response = page(if finished { StatusCode::OK } else { StatusCode::GONE }, &view, None)?;
    keep_language(call, head, &mut response);
    Ok(response)
}

/// The person chose one of the accounts of this browser, or took one off the list.
async fn account(step: &Step<'_>, form: &Params, here: &str) -> Result<Option<Response>, PageFailure> {
    let Step { call, browser, sign_in, .. } = step;
    let chosen = form.get("session").and_then(SessionId::parse);
    let Some(known) = browser.known.iter().find(|known| Some(known.session.id) == chosen) else {
        return Ok(None);
    };
    if form.get("decision") == Some("remove") {
        let event = call.event(AuditKind::SignedOut).user(known.user.id, known.user.audit_salt.clone());
        call.store.end_session(known.session.id, call.audit(event), call.now).await?;
        // Who chooses among accounts does not make one (Prompt Create §4).
        let wish = sign_in.request.prompt.create.then_some(Wish::SignIn);
        let progress = Progress { another: browser.known.len() <= 1, wish, ..sign_in.progress.clone() };
        call.store.write(call.store.advance_sign_in(sign_in, &progress, None)).await?;
        let mut response = see_other(here);
        browser.forget(call, &mut response, known).await?;
        return Ok(Some(response));
    }
    let alive = known.session.is_alive(call.now) && known.user.is_active();
    let progress = Progress {
        chosen: alive,
        another: !alive,
        session_id: alive.then_some(known.session.id),
        typed: (!alive).then(|| known.user.username.clone()),
        ..Progress::default()
    };
    let outcome = call.store.write(call.store.advance_sign_in(sign_in, &progress, None)).await?;
    let mut response = see_other(here);
    if alive {
        browser.prefer(call, &mut response, known.session.id);
    }
    Ok((outcome == Outcome::Done).then_some(response))
}

/// A method looks at what the person sent.
async fn attempt(
    step: &Step<'_>,
    method: &dyn Method,
    form: &Params,
    here: &str,
) -> Result<Option<Response>, PageFailure> {
    let Step { call, browser, sign_in, .. } = step;
    let keep = form.has(KEEP);
    let (user, change) = match method.attempt(call, browser, form).await? {
        Attempt::Refused { notice, typed } => {
            let progress = Progress { notice: Some(notice), typed, keep, another: true, ..Progress::default() };
            let outcome = call.store.write(call.store.advance_sign_in(sign_in, &progress, None)).await?;
            let mut response = see_other(here);
            if let Notice::SlowDown(seconds) | Notice::Busy(seconds) = notice {
                response.headers_mut().insert(poem::http::header::RETRY_AFTER, poem::http::HeaderValue::from(seconds));
            }
            return Ok((outcome == Outcome::Done).then_some(response));
        }
        Attempt::Proven { user, change } => (user, change),
    };
    if sign_in.request.subject_hint.is_some_and(|subject| subject != user.id) {
        let progress = Progress { notice: Some(Notice::Wrong), keep, another: true, ..Progress::default() };
        let outcome = call.store.write(call.store.advance_sign_in(sign_in, &progress, None)).await?;
        return Ok((outcome == Outcome::Done).then(|| see_other(here)));
    }
    let secret = mint::secret();
    let (session, session_change) = begin_session(step, &user, method.amr(), &secret, keep);
    let event = call
        .event(AuditKind::SignInSucceeded)
        .client(&step.client.id)
        .user(user.id, user.audit_salt.clone())
        .with("method", method.name())
        .with("session", session.id.to_string());
    let signed_in = change.and(session_change).and(make_room(call, browser, user.id)).and(call.audit(event));
    let progress = Progress { session_id: Some(session.id), signed_in: true, ..Progress::default() };
    Ok(proven(step, &user, &session, (progress, signed_in, &secret), here).await??)
}

/// What became of a step that is written: where it leads, `None` if another was first with the step, or why the database
/// did not take it.
pub(super) type Written = Result<Option<Response>, StoreError>;

/// Goes on with a person who has just signed in: to the answer if nothing else is to be asked, in the same commit.
pub(super) async fn proven(
    step: &Step<'_>,
    user: &User,
    session: &Session,
    (progress, signed_in, secret): (Progress, Change, &Secret),
    here: &str,
) -> Result<Written, PageFailure> {
    let Step { call, browser, sign_in, client, .. } = step;
    let consent = allowed_before(step, user.id).await?;
    let sessions = [session.clone()];
    let situation = Situation {
        request: &sign_in.request,
        client,
        sessions: &sessions,
        progress: &progress,
        consent: consent.as_ref(),
        registration: call.tenant.settings.self_registration,
        now: call.now,
    };
    let finished = matches!(engine::next(&situation), Next::Finish(_));
    let advance = call.store.advance_sign_in(sign_in, &progress, finished.then_some(call.now));
    let (change, code) = if finished {
        let issued = issue_code(step, session, user, &allowed(step, consent.as_ref()));
        (advance.and(signed_in).and(issued.change), Some(issued.code))
    } else {
        (advance.and(signed_in), None)
    };
    match call.store.write(change).await {
        Ok(Outcome::Done) => {}
        Ok(Outcome::Refused) => return Ok(Ok(None)),
        Err(error) => return Ok(Err(error)),
    }
    let mut response = match code {
        Some(code) => answer(step, &code)?,
        None => see_other(here),
    };
    browser.remember(call, &mut response, secret, session);
    browser.mark_known(call, &mut response, user.id).await;
    Ok(Ok(Some(response)))
}
