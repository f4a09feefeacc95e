//! Signing out: RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0) and its pages.
//!
//! `Choice:` (§2) the person is asked, unless the client proves by an ID token of the very session that it is the
//! one to end.

use poem::Body;
use poem::http::{Method, StatusCode};

use super::answer::{Handled, PageFailure, frame, is_own_origin, language, page, see_other};
use super::authorize::{MAX_ADDRESS, verified_hint};
use super::browser::{Browser, Known, keep_language};
use super::interaction::{read_form, start_of};
use super::views::{Form, SignOutConfirm, SignedOut};
use crate::call::{Call, Head};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::client::Client;
use crate::protocol::end_session::{self, EndSessionError, EndSessionRequest};
use crate::protocol::id_token::IdTokenHint;
use crate::protocol::identifiers::{ClientId, SessionId};
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
    if head.method == Method::POST && !params.has("csrf") {
        // As at the authorization endpoint: a form of another site comes without our cookies (SameSite=Lax), so the
        // request is repeated as GET, where they come along.
        let again = address(&call, params.pairs());
        return if again.len() <= MAX_ADDRESS {
            Ok(see_other(&again))
        } else {
            let log = "the form is longer than an address may be";
            Err(PageFailure::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "invalid_request", log))
        };
    }
    let browser = Browser::of(&call, &head).await?;
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
    let meant: Vec<SessionId> = sessions.iter().map(|known| known.session.id).collect();
    let alive: Vec<&Known> = sessions.into_iter().filter(|known| known.session.is_alive(call.now)).collect();
    if !alive.is_empty() && hint.is_none() && !confirmed {
        return ask(&call, &head, &browser, &request, (&alive, back.as_ref()));
    }
    for known in &alive {
        let mut event = call.event(AuditKind::SignedOut).user(known.user.id, known.user.audit_salt.clone());
        event.client_id = client.as_ref().map(|client| client.id.clone());
        call.store.end_session(known.session.id, call.audit(event), call.now).await?;
    }
    let mut response = match &back {
        Some(uri) => see_other(&end_session::with_state(uri, request.state.as_deref())),
        // Reloading the page that follows sends no form again.
        None if confirmed => {
            let known = client.as_ref().map(|client| ("client_id", client.id.as_str()));
            let language = request.ui_locales.as_deref().map(|tags| ("ui_locales", tags));
            see_other(&address(&call, known.into_iter().chain(language)))
        }
        None => done(&call, &head, &request, client.as_deref())?,
    };
    // Nor does the browser keep who they were.
    if !meant.is_empty() && (confirmed || hint.is_some()) {
        browser.let_go(&call, &mut response, &meant);
    }
    Ok(response)
}

fn refused(error: EndSessionError) -> PageFailure {
    let kind = match error {
        EndSessionError::Unregistered | EndSessionError::NoClient => "post-logout-uri",
        EndSessionError::Hint | EndSessionError::OtherClient | EndSessionError::Malformed => "invalid-request",
    };
    PageFailure::new(StatusCode::BAD_REQUEST, kind, "invalid_request", &error).at_fault(error.parameter())
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
    let m = language(call, head, request.ui_locales.as_deref());
    let action = format!("{}/end_session", call.tenant.path);
    let csrf = browser.token(call, PURPOSE);
    let mut hidden: Vec<(&'static str, &str)> = [
        ("client_id", &request.client_id),
        ("post_logout_redirect_uri", &request.post_logout_redirect_uri),
        ("state", &request.state),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    .collect();
    let here = address(call, hidden.iter().copied().chain([("lang", "")]));
    // The language of the question is that of the answer.
    hidden.push(("ui_locales", m.tag()));
    let stay = format!("{}/account/sessions", call.tenant.path);
    let view = SignOutConfirm {
        frame: frame(call, m, m.with("sign-out-title", &[("tenant", &call.tenant.name)]), &here),
        form: Form { action: &action, csrf: &csrf, hidden },
        accounts: alive.iter().map(|known| known.user.display_name()).collect(),
        apps: Vec::new(),
        cancel_href: Some(&stay),
    };
    let mut response = page(StatusCode::OK, &view, back)?;
    browser.introduce(call, &mut response);
    keep_language(call, head, &mut response);
    Ok(response)
}

/// This endpoint with a query. Once nobody is left to sign out, it says so.
fn address<'a>(call: &Call, query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{}/end_session?{query}", call.tenant.path)
}

/// "You are signed out"
fn done(call: &Call, head: &Head, request: &EndSessionRequest, client: Option<&Client>) -> Handled {
    let m = language(call, head, request.ui_locales.as_deref());
    let start = client.and_then(|client| start_of(call, client));
    let known = client.map(|client| ("client_id", client.id.as_str()));
    let view = SignedOut {
        frame: frame(
            call,
            m,
            m.t("signed-out-title").to_owned(),
            &address(call, known.into_iter().chain([("lang", "")])),
        ),
        back: start.as_ref().map(|(name, address)| (name.as_str(), address.as_str())),
    };
    let mut response = page(StatusCode::OK, &view, None)?;
    keep_language(call, head, &mut response);
    Ok(response)
}
