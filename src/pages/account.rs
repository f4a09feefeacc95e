//! Account pages: where a person is signed in.

use poem::Body;
use poem::http::StatusCode;

use super::answer::{Handled, PageFailure, frame, is_own_origin, language, moment, page, see_other};
use super::browser::{Browser, Known, keep_language};
use super::interaction::read_form;
use super::messages::Messages;
use super::views::{Form, Notice, SessionRow, Sessions};
use crate::call::{Call, Head};
use crate::protocol::audit_event::AuditKind;
use crate::protocol::identifiers::{ClientId, SessionId};
use crate::sign_in::session::Session;

const PURPOSE: &str = "account sessions";

fn signed_in<'a>(call: &Call, browser: &'a Browser) -> Result<&'a Known, PageFailure> {
    let alive = |known: &&Known| known.session.is_alive(call.now) && known.user.is_active();
    browser.known.iter().find(alive).ok_or_else(|| {
        PageFailure::new(
            StatusCode::FORBIDDEN,
            "login-required",
            "login_required",
            "nobody is signed in in this browser",
        )
    })
}

/// `GET {iss}/account/sessions`: every live session of the person.
///
/// # Errors
/// Nobody is signed in.
pub async fn sessions(call: Call, head: Head, _: Body) -> Handled {
    let browser = Browser::of(&call, &head).await?;
    let current = signed_in(&call, &browser)?;
    let m = language(&call, &head, None);
    let found = call.store.sessions_of(current.user.id, call.now).await?;
    let ids: Vec<SessionId> = found.iter().map(|session| session.id).collect();
    let clients = call.store.clients_of_sessions(&ids).await?;
    let mut rows = Vec::with_capacity(found.len());
    for session in &found {
        let mut apps = Vec::new();
        for (_, client) in clients.iter().filter(|(of, _)| *of == session.id) {
            let client = match ClientId::parse(client) {
                Some(id) => call.client(&id).await?,
                None => None,
            };
            apps.extend(client.map(|client| client.display_name().to_owned()));
        }
        rows.push(SessionRow {
            session: session.id.to_string(),
            device: device(m, session).unwrap_or_else(|| m.t("sessions-unknown-device").to_owned()),
            place: None,
            started: moment(m, session.created_at, call.now),
            seen: moment(m, session.last_seen_at, call.now),
            current: session.id == current.session.id,
            kept: session.kept && call.tenant.settings.keep_signed_in,
            apps,
        });
    }
    rows.sort_by_key(|row| !row.current);
    let done = head.query().and_then(|query| match query {
        "done=one" => Some("notice-signed-out-elsewhere"),
        "done=others" => Some("notice-signed-out-others"),
        _ => None,
    });
    let action = format!("{}/account/sessions", call.tenant.path);
    let csrf = browser.token(&call, PURPOSE);
    let mut frame = frame(&call, m, m.t("sessions-title").to_owned(), &format!("{action}?lang="));
    frame.signed_in = Some((current.user.display_name().to_owned(), format!("{}/end_session", call.tenant.path)));
    let view = Sessions {
        frame,
        form: Form { action: &action, csrf: &csrf, hidden: Vec::new() },
        notice: done.map(|id| Notice { tone: "ok", text: m.t(id).to_owned() }),
        sessions: rows,
    };
    let mut response = page(StatusCode::OK, &view, None)?;
    keep_language(&call, &head, &mut response);
    Ok(response)
}

/// `POST {iss}/account/sessions`: ends one session, or all but this one.
///
/// # Errors
/// Nobody is signed in, or the form is not our own.
pub async fn end_sessions(call: Call, head: Head, body: Body) -> Handled {
    if !is_own_origin(&call, &head) {
        return Err(PageFailure::forged("the form comes from another site"));
    }
    let form = read_form(&head, body).await?;
    let browser = Browser::of(&call, &head).await?;
    let current = signed_in(&call, &browser)?;
    if !browser.token_matches(&call, PURPOSE, form.get("csrf").unwrap_or_default()) {
        return Err(PageFailure::forged("the anti-forgery token is not that of this browser and page"));
    }
    let asked = form.get("session").and_then(SessionId::parse);
    let others = form.get("decision") == Some("others");
    let mut own = false;
    // Only sessions of this very person: the id in the form is looked for among them.
    for session in call.store.sessions_of(current.user.id, call.now).await? {
        let meant = if others { session.id != current.session.id } else { Some(session.id) == asked };
        if meant {
            own |= session.id == current.session.id;
            let event = call
                .event(AuditKind::SessionEnded)
                .user(current.user.id, current.user.audit_salt.clone())
                .with("session", session.id.to_string());
            call.store.end_session(session.id, call.audit(event), call.now).await?;
        }
    }
    let alive = |known: &Known| known.session.is_alive(call.now) && known.session.id != current.session.id;
    let next = match (own && !browser.known.iter().any(alive), others) {
        (true, _) => "end_session",
        (false, true) => "account/sessions?done=others",
        (false, false) => "account/sessions?done=one",
    };
    let mut response = see_other(&format!("{}/{next}", call.tenant.path));
    if own {
        browser.let_go(&call, &mut response, &[current.session.id]);
    }
    Ok(response)
}

/// "Firefox on Linux": the browser and system that a session names, as far as they are common.
fn device(m: &Messages, session: &Session) -> Option<String> {
    let agent = session.user_agent.as_deref()?;
    let first =
        |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ])?;
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    Some(match system {
        Some(system) => m.with("sessions-device", &[("browser", browser), ("system", system)]),
        None => browser.to_owned(),
    })
}
