//! Signing out: RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0) and its pages.
//!
//! `Choice:` (§2) the person is asked, unless the client proves by an ID token of the very session that it is the
//! one to end.

use std::sync::Arc;

use poem::Body;
use poem::http::{Method, StatusCode};

use super::answer::{Handled, PageFailure, frame, is_own_origin, language, page, see_other};
use super::authorize::verified_hint;
use super::browser::{Browser, Known};
use super::interaction::read_form;
use super::views::{Form, SignOutConfirm, SignedOut};
use crate::call::{Call, Head};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::client::Client;
use crate::protocol::end_session::{self, EndSessionError, EndSessionRequest};
use crate::protocol::id_token::IdTokenHint;
use crate::protocol::identifiers::ClientId;
use crate::protocol::params::Params;
use crate::protocol::redirect_uri::RedirectUri;

/// What the anti-forgery token of the question is for.
const PURPOSE: &str = "end_session";

/// The endpoint, by GET and POST (§2).
///
/// # Errors
/// The request is malformed, or names an address that is not the client's.
pub async fn end_session(call: Call, head: Head, body: Body) -> Handled {
    let params = if head.method == Method::POST {
        read_form(&head, body).await?
    } else {
        Params::parse_leniently(head.query().unwrap_or_default().as_bytes()).unwrap_or_default()
    };
    let browser = Browser::of(&call, &head).await?;
    let refused = |error: EndSessionError| {
        let kind = match error {
            EndSessionError::Unregistered | EndSessionError::NoClient => "post-logout-uri",
            EndSessionError::Hint | EndSessionError::OtherClient | EndSessionError::Malformed => "invalid-request",
        };
        PageFailure::new(StatusCode::BAD_REQUEST, kind, "invalid_request", error)
    };
    let request = EndSessionRequest::parse(&params).map_err(refused)?;
    let hint = match &request.id_token_hint {
        Some(token) => verified_hint(&call, token).await?,
        None => None,
    };
    let client =
        match end_session::client_of(&request, hint.as_ref()).map_err(refused)?.and_then(|id| ClientId::parse(&id)) {
            Some(id) => call.client(&id).await?,
            None => None,
        };
    let back = end_session::return_address(&request, client.as_deref()).map_err(refused)?;
    let confirmed = head.method == Method::POST
        && is_own_origin(&call, &head)
        && browser.token_matches(&call, PURPOSE, params.get("csrf").unwrap_or_default());
    let sessions: Vec<&Known> = match &hint {
        // A hint names the session; without one it is about everybody who is signed in here.
        Some(hint) => browser.known.iter().filter(|known| is_meant(known, hint)).collect(),
        None => browser.known.iter().collect(),
    };
    let alive: Vec<&Known> = sessions.into_iter().filter(|known| known.session.is_alive(call.now)).collect();
    if !alive.is_empty() && hint.is_none() && !confirmed {
        return ask(&call, &head, &browser, &request, (&alive, back.as_ref()));
    }
    end(&call, &head, &browser, &request, (alive, client, back)).await
}

fn is_meant(known: &Known, hint: &IdTokenHint) -> bool {
    known.user.id == hint.subject && hint.session_id.is_none_or(|session| session == known.session.id)
}

/// "Sign out of {tenant}?"
fn ask(
    call: &Call,
    head: &Head,
    browser: &Browser,
    request: &EndSessionRequest,
    (alive, back): (&[&Known], Option<&RedirectUri>),
) -> Handled {
    let m = language(call, head, request.ui_locales.as_deref(), browser.language());
    let action = format!("{}/end_session", call.tenant.path);
    let csrf = browser.token(call, PURPOSE);
    let hidden: Vec<(&'static str, &str)> = [
        ("client_id", &request.client_id),
        ("post_logout_redirect_uri", &request.post_logout_redirect_uri),
        ("state", &request.state),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    .collect();
    let names: Vec<&str> = alive.iter().map(|known| known.user.display_name()).collect();
    let view = SignOutConfirm {
        frame: frame(call, m, m.with("sign-out-title", &[("tenant", &call.tenant.name)]), ""),
        form: Form { action: &action, csrf: &csrf, hidden },
        account: names.first().copied(),
        apps: Vec::new(),
        cancel_href: None,
    };
    let mut response = page(StatusCode::OK, &view, back)?;
    browser.introduce(call, &mut response);
    Ok(response)
}

async fn end(
    call: &Call,
    head: &Head,
    browser: &Browser,
    request: &EndSessionRequest,
    (alive, client, back): (Vec<&Known>, Option<Arc<Client>>, Option<RedirectUri>),
) -> Handled {
    for known in &alive {
        let mut event = call.event(AuditKind::SignedOut).user(known.user.id, known.user.audit_salt.clone());
        event.client_id = client.as_ref().map(|client| client.id.clone());
        call.store.end_session(known.session.id, call.audit(event), call.now).await?;
    }
    if let Some(uri) = &back {
        return Ok(see_other(&end_session::with_state(uri, request.state.as_deref())));
    }
    let m = language(call, head, request.ui_locales.as_deref(), browser.language());
    let view =
        SignedOut { frame: frame(call, m, m.t("signed-out-title").to_owned(), ""), back: None, sign_in_href: None };
    page(StatusCode::OK, &view, None)
}
