//! What a person answers to the question for consent.

use poem::Response;

use super::answer::PageFailure;
use super::authorize::refuse;
use super::conclude::{answer, issue_code};
use super::interaction::{Step, decide};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::authorization_request::Refusal;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;
use crate::sign_in::engine::{self, Consent, Next, Progress, Question, Situation};
use crate::store::Outcome;

/// The person allowed or denied. `None` if somebody else was first with this step.
pub(super) async fn consent(step: &Step<'_>, form: &Params) -> Result<Option<Response>, PageFailure> {
    let Step { call, browser, sign_in, client, .. } = step;
    let (Next::Consent { scope: shown, .. }, before) = decide(step).await? else { return Ok(None) };
    let question = Question {
        request: &sign_in.request,
        before: before.as_ref(),
        shown: &shown,
        optional: &call.tenant.settings.optional_scope(),
    };
    let ticked = Scope::parse(&form.all("scope").collect::<Vec<_>>().join(" ")).unwrap_or_default();
    let answered = (form.get("decision") == Some("allow")).then(|| question.answered(&ticked)).flatten();
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
    let Some(session) = engine::current_session(&situation) else { return Ok(None) };
    let Some(user) = browser.user_of(session.id) else { return Ok(None) };
    let event = |kind| call.event(kind).client(&client.id).user(user.id, user.audit_salt.clone());
    let Some((given, whole)) = answered else {
        let change = call.store.advance_sign_in(sign_in, &sign_in.progress, Some(call.now));
        if call.store.write(change.and(call.audit(event(AuditKind::ConsentDenied)))).await? == Outcome::Refused {
            return Ok(None);
        }
        let refused = sign_in.request.refuse(Refusal::AccessDenied);
        return refuse(call, step.head, client, refused, sign_in.request.ui_locales.as_deref()).map(Some);
    };
    let remembered = call.store.remember_consent((user.id, &client.id), &whole, before.is_some(), call.now);
    let progress =
        Progress { allowed: Some(given.scope.clone()), session_id: Some(session.id), ..sign_in.progress.clone() };
    let issued = issue_code(step, session, user, &given);
    let told = told(&given, &whole).into_iter().filter(|(_, text)| !text.is_empty());
    let event = told.fold(event(AuditKind::ConsentGiven), |event, (name, text)| event.with(name, text));
    let change = call
        .store
        .advance_sign_in(sign_in, &progress, Some(call.now))
        .and(remembered)
        .and(call.audit(event))
        .and(issued.change);
    if call.store.write(change).await? == Outcome::Refused {
        return Ok(None);
    }
    answer(step, &issued.code).map(Some)
}

/// What the trail tells of it.
fn told(given: &Consent, whole: &Consent) -> [(&'static str, String); 3] {
    [("scope", given.scope.to_string()), ("claims", given.claims.join(" ")), ("declined", whole.declined.to_string())]
}
