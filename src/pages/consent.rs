//! What a person answers to the question for consent.

use poem::Response;

use super::answer::PageFailure;
use super::authorize::refuse;
use super::conclude::{answer, issue_code, optional};
use super::interaction::{Step, decide};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::authorization_request::Refusal;
use crate::protocol::identifiers::SessionId;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;
use crate::protocol::user::User;
use crate::sign_in::engine::{self, Consent, Next, Progress, Question, Situation};
use crate::sign_in::session::Session;
use crate::store::{Change, Outcome};

/// The person allowed or denied. `None` if the page is to be shown as it is now: somebody else was first with this
/// step, or the page was made for another person or another question.
pub(super) async fn consent(step: &Step<'_>, form: &Params) -> Result<Option<Response>, PageFailure> {
    let Step { call, browser, sign_in, client, .. } = step;
    // A no is one, whatever was allowed elsewhere meanwhile.
    if form.get("decision") != Some("allow") {
        return deny(step, form).await;
    }
    let (next, before) = decide(step).await?;
    let asked = match next {
        Next::Consent { scope, .. } => scope,
        // Allowed meanwhile, in another tab.
        Next::Finish(_) => Scope::default(),
        Next::SignIn(_) | Next::Register | Next::ChooseAccount | Next::Refuse(_) => return Ok(None),
    };
    let sessions = browser.sessions();
    let situation = Situation {
        request: &sign_in.request,
        client,
        sessions: &sessions,
        progress: &sign_in.progress,
        consent: before.as_ref(),
        registration: call.tenant.settings.self_registration,
        now: call.now,
    };
    let Some(session) = engine::current_session(&situation).filter(|session| Some(session.id) == person(form)) else {
        return Ok(None);
    };
    let Some(user) = browser.user_of(session.id) else { return Ok(None) };
    let words = sign_in.request.scope_in_words();
    let named =
        |field: &str| words.only(|token| form.get(field).is_some_and(|text| text.split(' ').any(|t| t == token)));
    let (shown, offered) = (named("shown"), named("offered"));
    let question = Question { request: &sign_in.request, before: before.as_ref(), shown: &shown, offered: &offered };
    if !question.holds(&asked, &optional(step, &asked)) {
        return Ok(None);
    }
    let Some((given, whole)) = question.answered(&words.only(|token| form.all("scope").any(|t| t == token))) else {
        return deny(step, form).await;
    };
    allow(step, (session, user), before.as_ref(), (&given, &whole)).await
}

/// Writes what was given and what is remembered of it, and answers with a code.
async fn allow(
    step: &Step<'_>,
    (session, user): (&Session, &User),
    before: Option<&Consent>,
    (given, whole): (&Consent, &Consent),
) -> Result<Option<Response>, PageFailure> {
    let Step { call, sign_in, client, .. } = step;
    let event = call.event(AuditKind::ConsentGiven).client(&client.id).user(user.id, user.audit_salt.clone());
    let told = told(given, whole).into_iter().filter(|(_, text)| !text.is_empty());
    let event = told.fold(event, |event, (name, text)| event.with(name, text));
    let progress =
        Progress { allowed: Some(given.scope.clone()), session_id: Some(session.id), ..sign_in.progress.clone() };
    let issued = issue_code(step, session, user, given);
    let remembered = if client.metadata.first_party {
        Change::new()
    } else {
        call.store.remember_consent((user.id, &client.id), whole, before.is_some(), call.now)
    };
    let change = call.store.advance_sign_in(sign_in, &progress, Some(call.now)).and(remembered).and(call.audit(event));
    let outcome = if before.is_some_and(|before| before.exceeds(whole)) {
        call.store.narrow_consent((user.id, &client.id), change, issued.change, call.now).await?
    } else {
        call.store.write(change.and(issued.change)).await?
    };
    if outcome == Outcome::Refused {
        return Ok(None);
    }
    answer(step, &issued.code).map(Some)
}

/// Sends a no to the client. Nothing of it is remembered.
async fn deny(step: &Step<'_>, form: &Params) -> Result<Option<Response>, PageFailure> {
    let Step { call, browser, sign_in, client, .. } = step;
    let event = call.event(AuditKind::ConsentDenied).client(&client.id);
    let event = match person(form).and_then(|session| browser.user_of(session)) {
        Some(user) => event.user(user.id, user.audit_salt.clone()),
        None => event,
    };
    let change = call.store.advance_sign_in(sign_in, &sign_in.progress, Some(call.now));
    if call.store.write(change.and(call.audit(event))).await? == Outcome::Refused {
        return Ok(None);
    }
    let refused = sign_in.request.refuse(Refusal::AccessDenied);
    refuse(call, step.head, client, refused, sign_in.request.ui_locales.as_deref()).map(Some)
}

/// Whom the page was made for.
fn person(form: &Params) -> Option<SessionId> {
    form.get("session").and_then(SessionId::parse)
}

/// What the trail tells of it.
fn told(given: &Consent, whole: &Consent) -> [(&'static str, String); 3] {
    [("scope", given.scope.to_string()), ("claims", given.claims.join(" ")), ("declined", whole.declined.to_string())]
}
