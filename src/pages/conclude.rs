//! How a sign-in ends: the session that is begun, the code that is issued, the answer that carries it.

use poem::http::StatusCode;

use super::answer::{Handled, PageFailure, carry, language};
use super::browser::Browser;
use super::interaction::Step;
use crate::call::Call;
use crate::mint;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::authorization_code::IssuedCode;
use crate::protocol::authorization_response::{self, Answer};
use crate::protocol::grant::Allowed;
use crate::protocol::identifiers::{GrantId, SessionId, UserId};
use crate::protocol::scope::{OPENID, Scope};
use crate::protocol::secret::Secret;
use crate::protocol::user::User;
use crate::sign_in::engine::Consent;
use crate::sign_in::session::Session;
use crate::store::{Change, Outcome, StoreError};

/// The session of a person who has just proved who they are, and what is written of it.
pub(super) fn begin_session(step: &Step<'_>, user: &User, amr: &str, secret: &Secret, keep: bool) -> (Session, Change) {
    let Step { call, browser, .. } = step;
    let settings = &call.tenant.settings;
    let begun = Session::begin(SessionId(mint::opaque_id()), user.id, amr, settings, call.now);
    let mut session = if keep { begun.keep(settings) } else { begun };
    session.user_agent = call.peer.user_agent.as_deref().map(str::to_owned);
    // The same person again in the same browser: the session goes on, its `sid` stays, its secret does not.
    let same = browser.known.iter().find(|known| known.user.id == user.id && known.session.is_alive(call.now));
    match same {
        Some(known) => {
            session.id = known.session.id;
            session.created_at = known.session.created_at;
            let change = call.store.renewed_session(&session, &secret.hash());
            (session, change)
        }
        None => {
            let change = call.store.new_session(&session, &secret.hash());
            (session, change)
        }
    }
}

/// A browser that holds as many sessions as it may gives one up when another person signs in. Nobody could sign that one
/// out here any more, so it ends.
pub(super) fn make_room(call: &Call, browser: &Browser, user: UserId) -> Change {
    let Some(gone) = browser.crowded_out(user, call.now).filter(|known| known.session.is_alive(call.now)) else {
        return Change::new();
    };
    let event = call
        .event(AuditKind::SessionEnded)
        .user(gone.user.id, gone.user.audit_salt.clone())
        .with("session", gone.session.id.to_string());
    call.store.ended_session(gone.session.id, call.now).and(call.audit(event))
}

/// What of `scope` the person may leave out. Nothing for a first party: it is asked for only on its own wish, and what
/// it may have is the administrator's word.
pub(super) fn optional(step: &Step<'_>, scope: &Scope) -> Scope {
    if step.client.metadata.first_party { Scope::default() } else { step.call.tenant.settings.optional(scope) }
}

/// What this person allowed the client before; nothing is remembered for a first party. What was declined and may not
/// be left out any more is a question again.
///
/// # Errors
/// A failure of the database.
pub(super) async fn allowed_before(step: &Step<'_>, user: UserId) -> Result<Option<Consent>, StoreError> {
    if step.client.metadata.first_party {
        return Ok(None);
    }
    let before = step.call.store.consent(user, &step.client.id).await?;
    Ok(before.map(|before| Consent { declined: optional(step, &before.declined), ..before }))
}

/// What the person has allowed: all that is asked for, for a first party.
pub(super) fn allowed(step: &Step<'_>, consent: Option<&Consent>) -> Consent {
    if step.client.metadata.first_party {
        return Consent::to(&step.sign_in.request);
    }
    consent.cloned().unwrap_or_default()
}

/// A code, and the change that issues it.
pub(super) struct IssuedNow {
    pub(super) code: Secret,
    pub(super) change: Change,
}

/// A new code for this session, as part of a change.
pub(super) fn issue_code(step: &Step<'_>, session: &Session, user: &User, allowed: &Consent) -> IssuedNow {
    let Step { call, sign_in, client, .. } = step;
    let request = &sign_in.request;
    let code = mint::secret();
    let scope = request.scope.within(&allowed.scope);
    let issued = IssuedCode {
        client_id: client.id.clone(),
        grant_id: GrantId(mint::row_id(call.app.clock.milliseconds())),
        allowed: Allowed {
            user_id: user.id,
            session_id: session.id,
            claims: request.claims.clone().only(|claim| allowed.allows_claim(claim)),
            nonce: request.nonce.clone().filter(|_| scope.contains(OPENID)),
            scope,
            resources: request.resources.clone(),
            authentication: session.authentication.clone(),
        },
        redirect_uri: request.return_to.redirect_uri.as_str().to_owned(),
        redirect_uri_given: request.redirect_uri_given,
        code_challenge: request.code_challenge.clone(),
        issued_at: call.now,
        expires_at: call.now.plus(i64::from(call.tenant.settings.authorization_code_lifetime_seconds)),
        redeemed_at: None,
    };
    let event = call
        .event(AuditKind::CodeIssued)
        .client(&client.id)
        .user(user.id, user.audit_salt.clone())
        .with("grant", issued.grant_id.to_string())
        .with("scope", issued.allowed.scope.to_string());
    let change = call.store.new_code(&code.hash(), &issued).and(call.audit(event));
    IssuedNow { code, change }
}

/// Nothing is left to ask: the code is issued. A request that was answered without any page leaves no transaction.
pub(super) async fn finish(step: &Step<'_>, session: SessionId, consent: Option<Consent>) -> Handled {
    let Step { call, browser, sign_in, .. } = step;
    let known = browser.known.iter().find(|known| known.session.id == session);
    let Some(known) = known else {
        return Err(PageFailure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server-error",
            "server_error",
            "no such session",
        ));
    };
    let issued = issue_code(step, &known.session, &known.user, &allowed(step, consent.as_ref()));
    let mut change = issued.change;
    if sign_in.version > 0 {
        change = call.store.advance_sign_in(sign_in, &sign_in.progress, Some(call.now)).and(change);
    }
    if known.session.wants_renewal(call.now) {
        let idle = known.session.idle_end(&call.tenant.settings, call.now);
        change = change.and(call.store.used_session(session, idle, call.now));
    }
    if call.store.write(change).await? == Outcome::Refused {
        return super::interaction::resume(call, step.head, Some(sign_in)).await;
    }
    answer(step, &issued.code)
}

pub(super) fn answer(step: &Step<'_>, code: &Secret) -> Handled {
    let Step { call, head, sign_in, client, .. } = step;
    let return_to = &sign_in.request.return_to;
    let carried = authorization_response::carry(return_to, &Answer::Code(code), &call.tenant.issuer);
    let m = language(call, head, sign_in.request.ui_locales.as_deref());
    carry(call, m, carried, client.display_name(), &return_to.redirect_uri)
}
