//! Making an account of one's own, as a step of a sign-in — Prompt Create §4.
//!
//! The account, its first session and, where nothing else is to be asked, the code are one change, guarded by the step.
//! A mail address is not asked for: nobody could tell whose it is.

use poem::Response;
use poem::http::StatusCode;
use serde_json::{Map, Value};

use super::answer::{PageFailure, frame, page, see_other};
use super::conclude::{begin_session, make_room};
use super::interaction::{Step, WISH, proven};
use super::messages::Messages;
use super::steps::{card, here, hidden, host_of, messages, same};
use super::views::{FieldErrors, Form, NewAccount, Notice as Banner};
use crate::call::Call;
use crate::mint;
use crate::password_pool::PoolError;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::identifiers::UserId;
use crate::protocol::params::Params;
use crate::protocol::user::{User, UserStatus};
use crate::sign_in::engine::{self, Notice, Progress, Wish};
use crate::sign_in::identifier::MAX_IDENTIFIER;
use crate::sign_in::new_account::{self, MAX_NAME, MAX_PASSWORD, MIN_PASSWORD, Problem, Wanted};
use crate::store::users::UserDraft;
use crate::store::{Outcome, StoreError};

/// How people prove who they are with what they choose here (RFC 8176 §2), and the name of the method.
const AMR: &str = "pwd";
const METHOD: &str = "password";

/// The field at fault, and what it is told.
pub(super) fn told(m: &Messages, problem: Problem) -> (&'static str, String) {
    let (field, id) = match problem {
        Problem::UsernameMissing => ("username", "field-new-username-missing"),
        Problem::UsernameInvalid => ("username", "field-username-invalid"),
        Problem::UsernameTaken => ("username", "field-username-taken"),
        Problem::NameInvalid => ("name", "field-name-invalid"),
        Problem::PasswordMissing => ("password", "field-new-password-missing"),
        Problem::PasswordShort => return ("password", m.count("field-new-password-short", MIN_PASSWORD, &[])),
        Problem::PasswordLong => return ("password", m.count("field-new-password-long", MAX_PASSWORD, &[])),
        Problem::PasswordCommon => ("password", "field-new-password-common"),
    };
    (field, m.t(id).to_owned())
}

/// The page.
pub(super) fn form(step: &Step<'_>) -> Result<Response, PageFailure> {
    let (m, progress, request) = (messages(step), &step.sign_in.progress, &step.sign_in.request);
    let handle = step.handle()?;
    let here = here(step, &handle);
    let errors = FieldErrors(progress.problems.iter().map(|problem| told(m, *problem)).collect());
    let (notice, status) = match progress.notice {
        Some(Notice::SlowDown(seconds)) => (Some(seconds), StatusCode::TOO_MANY_REQUESTS),
        Some(Notice::Busy(seconds)) => (Some(seconds), StatusCode::SERVICE_UNAVAILABLE),
        // What was wrong with a sign-in is not told here.
        Some(Notice::Wrong | Notice::Empty | Notice::Closed) | None if errors.0.is_empty() => (None, StatusCode::OK),
        Some(Notice::Wrong | Notice::Empty | Notice::Closed) | None => (None, StatusCode::UNPROCESSABLE_ENTITY),
    };
    // A hint that cannot be a user name, such as a mail address, would only have to be deleted.
    let hint = request.login_hint.as_deref().filter(|hint| new_account::check_username(Some(hint)).is_ok());
    let action = format!("{}/interaction/{}/register", step.call.tenant.path, step.sign_in.id);
    let csrf = step.browser.token(step.call, &step.sign_in.id);
    let host = host_of(step);
    let sign_in = format!("{here}{WISH}={}", Wish::SignIn.as_str());
    let view = NewAccount {
        frame: frame(step.call, m, m.t("new-account-title").to_owned(), &same(step, &here)),
        form: Form { action: &action, csrf: &csrf, hidden: hidden(&handle) },
        client: card(step, host.as_deref()),
        username: progress.typed.as_deref().or(hint).unwrap_or_default(),
        name: progress.typed_name.as_deref().unwrap_or_default(),
        password_length: MIN_PASSWORD,
        notice: notice.map(|seconds| Banner::slow_down(m, u64::try_from(seconds).unwrap_or(1))),
        errors,
        sign_in_href: &sign_in,
    };
    let mut response = page(status, &view, Some(&request.return_to.redirect_uri))?;
    if let Some(seconds) = notice {
        response.headers_mut().insert(poem::http::header::RETRY_AFTER, poem::http::HeaderValue::from(seconds));
    }
    Ok(response)
}

/// Why no account was made.
enum Refused {
    /// The fields.
    Problems(Vec<Problem>),
    /// Not now, or not here.
    Notice(Notice),
}

/// The person sent the form. `None` if somebody else was first with this step.
pub(super) async fn register(step: &Step<'_>, form: &Params, here: &str) -> Result<Option<Response>, PageFailure> {
    let Step { call, sign_in, .. } = step;
    // One attempt makes one account, however often the form comes.
    if sign_in.progress.signed_in {
        return Ok(None);
    }
    let refused = if engine::may_register(&sign_in.request, call.tenant.settings.self_registration) {
        match prepare(call, form).await? {
            Ok((wanted, phc)) => match write(step, wanted, phc, here).await? {
                Ok(response) => return Ok(response),
                // Somebody was faster with the name.
                Err(StoreError::Duplicate) => Refused::Problems(vec![Problem::UsernameTaken]),
                Err(error) => return Err(error.into()),
            },
            Err(refused) => refused,
        }
    } else {
        Refused::Notice(Notice::Closed)
    };
    refuse(step, form, refused, here).await
}

/// Everything that is asked before the account is made, what costs least first.
async fn prepare(call: &Call, form: &Params) -> Result<Result<(Wanted, String), Refused>, PageFailure> {
    let (username, password) = (form.get("username"), form.get("password"));
    let wanted = match Wanted::check(username, form.get("name"), password) {
        Ok(wanted) => wanted,
        Err(problems) => return Ok(Err(Refused::Problems(problems))),
    };
    // From here on an attempt costs something, or tells which names there are.
    let wait = call.wait_to_register().await;
    if wait > 0 {
        tracing::info!(retry_after_seconds = wait, "registration slowed");
        return Ok(Err(Refused::Notice(Notice::SlowDown(wait))));
    }
    if call.store.user_to_sign_in(&wanted.username).await?.is_some() {
        return Ok(Err(Refused::Problems(vec![Problem::UsernameTaken])));
    }
    let wait = call.wait_for_newcomers().await;
    if wait > 0 {
        tracing::warn!(retry_after_seconds = wait, "registration slowed for the whole tenant");
        return Ok(Err(Refused::Notice(Notice::SlowDown(wait))));
    }
    let own = [call.tenant.name.clone(), call.tenant.slug.to_string(), wanted.shown.clone()];
    let context: Vec<String> = own.into_iter().chain(wanted.name.clone()).collect();
    let is_strong = move |password: &str| {
        let context: Vec<&str> = context.iter().map(String::as_str).collect();
        new_account::is_strong(password, &context)
    };
    match call.app.passwords.hash_if(wanted.password.clone(), is_strong).await {
        Ok(Some(phc)) => Ok(Ok((wanted, phc))),
        Ok(None) => Ok(Err(Refused::Problems(vec![Problem::PasswordCommon]))),
        Err(PoolError::Busy { retry_after_seconds }) => {
            Ok(Err(Refused::Notice(Notice::Busy(i64::try_from(retry_after_seconds).unwrap_or(i64::MAX)))))
        }
        Err(error) => Err(error.into()),
    }
}

/// The account, its session and what follows, all or nothing.
async fn write(
    step: &Step<'_>,
    wanted: Wanted,
    phc: String,
    here: &str,
) -> Result<super::interaction::Written, PageFailure> {
    let Step { call, browser, .. } = step;
    let name = wanted.name.map(|name| ("name".to_owned(), Value::String(name)));
    let user = User {
        id: UserId(mint::opaque_id()),
        status: UserStatus::Active,
        username: wanted.shown,
        claims: Map::from_iter(name),
        created_at: call.now,
        audit_salt: Some(mint::bytes::<16>().to_vec()),
    };
    let secret = mint::secret();
    // Who has just chosen a password need not type it again.
    let (session, session_change) = begin_session(step, &user, AMR, &secret, false);
    let event = |kind| call.event(kind).client(&step.client.id).user(user.id, user.audit_salt.clone());
    let created = event(AuditKind::UserCreated).with("origin", "self_registration");
    let signed_in = event(AuditKind::SignInSucceeded).with("method", METHOD).with("session", session.id.to_string());
    let draft =
        UserDraft { user: user.clone(), username: wanted.username, email: None, phc: Some(phc), administrator: false };
    let change = call
        .store
        .new_user(&draft, call.now)
        .and(session_change)
        .and(make_room(call, browser, user.id))
        .and(call.audit(created))
        .and(call.audit(signed_in));
    let progress = Progress { session_id: Some(session.id), signed_in: true, ..Progress::default() };
    proven(step, &user, &session, (progress, change, &secret), here).await
}

async fn refuse(step: &Step<'_>, form: &Params, refused: Refused, here: &str) -> Result<Option<Response>, PageFailure> {
    let Step { call, sign_in, .. } = step;
    let typed = |field, most| form.get(field).map(|typed| typed.chars().take(most).collect::<String>());
    let (notice, problems) = match refused {
        Refused::Problems(problems) => (None, problems),
        Refused::Notice(notice) => (Some(notice), Vec::new()),
    };
    let progress = Progress {
        wish: Some(Wish::Register),
        // Where accounts can no longer be made, nobody is sent on with one they did not mean.
        another: sign_in.progress.another || notice == Some(Notice::Closed),
        notice,
        problems,
        typed: typed("username", MAX_IDENTIFIER),
        typed_name: typed("name", 2 * MAX_NAME),
        ..Progress::default()
    };
    let outcome = call.store.write(call.store.advance_sign_in(sign_in, &progress, None)).await?;
    let mut response = see_other(here);
    if let Some(Notice::SlowDown(seconds) | Notice::Busy(seconds)) = notice {
        response.headers_mut().insert(poem::http::header::RETRY_AFTER, poem::http::HeaderValue::from(seconds));
    }
    Ok((outcome == Outcome::Done).then_some(response))
}
