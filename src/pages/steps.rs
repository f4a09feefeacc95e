//! The pages of a sign-in: sign in, choose an account, consent. They show; the engine decides.

use std::collections::BTreeMap;

use poem::Response;
use poem::http::StatusCode;

use super::answer::{PageFailure, frame, language, page};
use super::browser::Known;
use super::conclude::optional;
use super::interaction::{Step, WISH};
use super::messages::Messages;
use super::views::{
    Account, AccountChooser, ClientCard, Consent, FieldErrors, Form, Notice as Banner, ScopeRow, SignIn,
};
use crate::protocol::scope::{OFFLINE_ACCESS, OPENID, Scope};
use crate::protocol::tenant_settings::TenantSettings;
use crate::sign_in::engine::{self, Notice, Progress, SignInReason, Wish};

/// Scopes about the person's data; all others act on the person's behalf.
const PROFILE_SCOPES: [&str; 5] = [OPENID, "profile", "email", "address", "phone"];

/// So many accounts are seen at once on most screens.
const FEW_ACCOUNTS: usize = 6;

pub(super) fn messages(step: &Step<'_>) -> &'static Messages {
    language(step.call, step.head, step.sign_in.request.ui_locales.as_deref())
}

/// The address of this transaction, for links on its pages.
pub(super) fn here(step: &Step<'_>, handle: &str) -> String {
    let path = format!("{}/interaction/{}", step.call.tenant.path, step.sign_in.id);
    if handle.is_empty() { format!("{path}?") } else { format!("{path}?handle={handle}&") }
}

pub(super) fn host_of(step: &Step<'_>) -> Option<String> {
    let url = url::Url::parse(step.sign_in.request.return_to.redirect_uri.as_str()).ok()?;
    Some(url.host_str().map_or_else(|| format!("{}:", url.scheme()), str::to_owned))
}

pub(super) fn card<'a>(step: &'a Step<'_>, host: Option<&'a str>) -> ClientCard<'a> {
    let metadata = &step.client.metadata;
    ClientCard {
        name: step.client.display_name(),
        logo: None,
        policy_uri: metadata.policy_uri.as_deref(),
        tos_uri: metadata.tos_uri.as_deref(),
        host,
        verified: !engine::is_unverified(step.client),
    }
}

/// The address of the same page in another language, up to its tag: what the person turned to comes along.
pub(super) fn same(step: &Step<'_>, here: &str) -> String {
    let Progress { wish, another, .. } = &step.sign_in.progress;
    let wish = wish.map(|wish| format!("{WISH}={}&", wish.as_str())).unwrap_or_default();
    format!("{here}{wish}{}lang=", if *another { "another=1&" } else { "" })
}

/// The sign-in page.
pub(super) fn sign_in(step: &Step<'_>, reason: SignInReason) -> Result<Response, PageFailure> {
    let (m, progress) = (messages(step), &step.sign_in.progress);
    let handle = step.handle()?;
    let here = here(step, &handle);
    let client = step.client.display_name();
    let mut errors = FieldErrors::default();
    let mut status = StatusCode::OK;
    let mut notice = match reason {
        SignInReason::Fresh => {
            Some(Banner { tone: "info", text: m.with("notice-reauthenticate", &[("client", client)]) })
        }
        SignInReason::Nobody | SignInReason::AnotherPerson => None,
    };
    match progress.notice {
        None => {}
        Some(Notice::Wrong) => {
            errors.0.push(("password", m.t("field-sign-in-wrong").to_owned()));
            status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        Some(Notice::Empty) => {
            if progress.typed.is_none() {
                errors.0.push(("username", m.t("field-username-missing").to_owned()));
            }
            errors.0.push(("password", m.t("field-password-missing").to_owned()));
            status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        Some(Notice::SlowDown(seconds)) => {
            notice = Some(Banner::slow_down(m, u64::try_from(seconds).unwrap_or(1)));
            status = StatusCode::TOO_MANY_REQUESTS;
        }
        Some(Notice::Busy(seconds)) => {
            notice = Some(Banner::slow_down(m, u64::try_from(seconds).unwrap_or(1)));
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
        Some(Notice::Closed) => {
            notice = Some(Banner { tone: "warn", text: m.t("notice-registration-closed").to_owned() });
            status = StatusCode::FORBIDDEN;
        }
    }
    // Who must sign in again is known already; anybody else may type.
    let fixed = match reason {
        SignInReason::Fresh => current_username(step),
        SignInReason::Nobody | SignInReason::AnotherPerson => None,
    };
    let hint = step.sign_in.request.login_hint.as_deref();
    let username = fixed.as_deref().or(progress.typed.as_deref()).or(hint).unwrap_or_default();
    let settings = &step.call.tenant.settings;
    let keep = settings.keep_signed_in.then(|| match progress.notice {
        Some(_) => progress.keep,
        None => step.browser.keeps(username),
    });
    let another = format!("{here}another=1");
    // Who is known has an account.
    let registers = fixed.is_none() && engine::may_register(&step.sign_in.request, settings.self_registration);
    let register = registers.then(|| format!("{here}{WISH}={}", Wish::Register.as_str()));
    let action = format!("{}/interaction/{}/password", step.call.tenant.path, step.sign_in.id);
    let csrf = step.browser.token(step.call, &step.sign_in.id);
    let host = host_of(step);
    let view = SignIn {
        frame: frame(step.call, m, m.with("sign-in-to", &[("client", client)]), &same(step, &here)),
        form: Form { action: &action, csrf: &csrf, hidden: hidden(&handle) },
        client: Some(card(step, host.as_deref())),
        username,
        not_you_href: fixed.is_some().then_some(another.as_str()),
        notice,
        errors,
        keep,
        recover_href: None,
        register_href: register.as_deref(),
    };
    let mut response = page(status, &view, Some(&step.sign_in.request.return_to.redirect_uri))?;
    if let Some(Notice::SlowDown(seconds) | Notice::Busy(seconds)) = progress.notice {
        response.headers_mut().insert(poem::http::header::RETRY_AFTER, poem::http::HeaderValue::from(seconds));
    }
    Ok(response)
}

pub(super) fn hidden(handle: &str) -> Vec<(&'static str, &str)> {
    if handle.is_empty() { Vec::new() } else { vec![("handle", handle)] }
}

fn current_username(step: &Step<'_>) -> Option<String> {
    let subject = step.sign_in.request.subject_hint;
    let known =
        step.browser.known.iter().find(|known| {
            known.session.is_alive(step.call.now) && subject.is_none_or(|subject| subject == known.user.id)
        });
    known.map(|known| known.user.username.clone())
}

/// The accounts of this browser.
pub(super) fn choose_account(step: &Step<'_>) -> Result<Response, PageFailure> {
    let m = messages(step);
    let handle = step.handle()?;
    let here = here(step, &handle);
    let action = format!("{}/interaction/{}/account", step.call.tenant.path, step.sign_in.id);
    let csrf = step.browser.token(step.call, &step.sign_in.id);
    let host = host_of(step);
    let other = format!("{here}another=1");
    let accounts: Vec<Account> = step
        .browser
        .known
        .iter()
        .map(|known| Account {
            session: known.session.id.to_string(),
            name: known.user.display_name().to_owned(),
            detail: known.user.text_claim("email").unwrap_or(&known.user.username).to_owned(),
            signed_in: known.session.is_alive(step.call.now) && known.user.is_active(),
        })
        .collect();
    let view = AccountChooser {
        frame: frame(step.call, m, m.t("chooser-title").to_owned(), &same(step, &here)),
        form: Form { action: &action, csrf: &csrf, hidden: hidden(&handle) },
        client: Some(card(step, host.as_deref())),
        many: accounts.len() > FEW_ACCOUNTS,
        accounts,
        other_href: &other,
    };
    page(StatusCode::OK, &view, Some(&step.sign_in.request.return_to.redirect_uri))
}

/// How a question for consent relates to what was allowed before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing was.
    First,
    /// The same question was answered before.
    Again,
    /// Some was, and this comes on top.
    Also,
}

/// What the client wants to be allowed.
pub(super) fn consent(
    step: &Step<'_>,
    (scope, resources): (&Scope, &[String]),
    asked: Asked,
    before: Option<&engine::Consent>,
) -> Result<Response, PageFailure> {
    let m = messages(step);
    let handle = step.handle()?;
    let here = here(step, &handle);
    let client = step.client.display_name();
    let action = format!("{}/interaction/{}/consent", step.call.tenant.path, step.sign_in.id);
    let csrf = step.browser.token(step.call, &step.sign_in.id);
    let (host, other) = (host_of(step), format!("{here}another=1"));
    let person = current_person(step);
    let session = person.map(|known| known.session.id.to_string()).unwrap_or_default();
    let (name, detail) = person.map_or(("", ""), |Known { user, .. }| {
        (user.display_name(), user.text_claim("email").unwrap_or(&user.username))
    });
    let more = asked == Asked::Also;
    let title = if more { "consent-title-also" } else { "consent-title" };
    let settings = &step.call.tenant.settings;
    let optional = optional(step, scope);
    // A box is ticked only if the person did so before.
    let allowed = |token: &str| before.is_some_and(|before| before.ticks(&step.sign_in.request, token));
    let ticked = |token: &str| optional.contains(token).then(|| allowed(token));
    // The answer is one to what stands here, whatever another tab did meanwhile.
    let (shown, offered) = (scope.to_string(), optional.to_string());
    let asked_here = [("session", session.as_str()), ("shown", shown.as_str()), ("offered", offered.as_str())];
    let row = |token: &str| row(m, token, settings, (ticked(token), more));
    let view = Consent {
        frame: frame(step.call, m, m.with(title, &[("client", client)]), &format!("{here}lang=")),
        form: Form { action: &action, csrf: &csrf, hidden: [hidden(&handle), asked_here.to_vec()].concat() },
        client: card(step, host.as_deref()),
        account: (name, detail),
        switch_href: Some(&other),
        also: more,
        again: asked == Asked::Again,
        groups: groups(scope, row),
        choice: !optional.is_empty(),
        each_time: engine::asks_each_time(step.client),
        resources: resources.to_vec(),
    };
    page(StatusCode::OK, &view, Some(&step.sign_in.request.return_to.redirect_uri))
}

fn current_person<'a>(step: &Step<'a>) -> Option<&'a Known> {
    let progress = &step.sign_in.progress;
    let subject = step.sign_in.request.subject_hint;
    step.browser.known.iter().filter(|known| known.user.is_active()).find(|known| match progress.session_id {
        Some(id) => known.session.id == id,
        None => known.session.is_alive(step.call.now) && subject.is_none_or(|subject| subject == known.user.id),
    })
}

/// The scopes in words, in three groups.
fn groups(scope: &Scope, row: impl Fn(&str) -> ScopeRow) -> Vec<(&'static str, Vec<ScopeRow>)> {
    let rows = |wanted: &dyn Fn(&str) -> bool| -> Vec<ScopeRow> {
        scope.tokens().filter(|token| wanted(token)).map(&row).collect()
    };
    let all = [
        ("consent-group-profile", rows(&|token| PROFILE_SCOPES.contains(&token))),
        ("consent-group-behalf", rows(&|token| !PROFILE_SCOPES.contains(&token) && token != OFFLINE_ACCESS)),
        ("consent-group-away", rows(&|token| token == OFFLINE_ACCESS)),
    ];
    all.into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
}

/// A scope in the tenant's words, or ours, or none.
fn row(
    m: &'static Messages,
    token: &str,
    settings: &TenantSettings,
    (optional, new): (Option<bool>, bool),
) -> ScopeRow {
    let told = settings.scopes.get(token);
    let said = |texts: &BTreeMap<String, String>| {
        let wished = [m.tag(), settings.default_locale.as_str()];
        wished.iter().find_map(|tag| texts.get(*tag)).or_else(|| texts.values().next()).cloned()
    };
    let ours = m.scope(token);
    let title = told.and_then(|told| said(&told.title)).or_else(|| ours.map(|(title, _)| title.to_owned()));
    let sentence = told.and_then(|told| said(&told.sentence)).or_else(|| ours.map(|(_, sentence)| sentence.to_owned()));
    ScopeRow {
        scope: token.to_owned(),
        title: title.unwrap_or_else(|| m.with("scope-other", &[("scope", token)])),
        sentence: sentence.unwrap_or_else(|| m.t("scope-other-sentence").to_owned()),
        optional,
        new,
    }
}
