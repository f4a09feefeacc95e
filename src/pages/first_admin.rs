//! The first administrator of a tenant: whoever holds the link of `chancery admin link` chooses a name and a password.
//!
//! Looking at the link uses nothing up (CONTRACT, behaviour 8), for scanners visit every link. The account, its first
//! session and the end of the link are one change.

use poem::http::StatusCode;
use poem::{Body, Response};
use serde_json::{Map, json};
use zeroize::Zeroizing;

use super::answer::{Handled, PageFailure, frame, is_own_origin, language, page, refuse_if_closed, see_other};
use super::browser::{Browser, keep_language};
use super::conclude::make_room;
use super::interaction::read_form;
use super::messages::Messages;
use super::new_account::told;
use super::views::{FieldErrors, FirstAdmin, FirstAdminDone, Form};
use crate::call::{Call, Head};
use crate::mint;
use crate::protocol::audit_event::AuditKind;
use crate::protocol::identifiers::{SessionId, UserId};
use crate::protocol::params::Params;
use crate::protocol::secret::SecretHash;
use crate::protocol::user::{User, UserStatus};
use crate::sign_in::identifier;
use crate::sign_in::new_account::{self, Problem};
use crate::sign_in::session::Session;
use crate::store::StoreError;
use crate::store::one_time::Purpose;
use crate::store::users::UserDraft;

/// What the anti-forgery token and the sealed name are for.
const PURPOSE: &str = "first-administrator";

/// `GET {iss}/first-administrator/{token}`: the form, or who was made with it in this browser.
///
/// # Errors
/// The link is unknown, used or expired.
pub async fn show(call: Call, head: Head, _: Body) -> Handled {
    let browser = Browser::of(&call, &head).await?;
    let m = language(&call, &head, None);
    let link = link_of(&head);
    if let Some((username, sealed)) = made_here(&call, &head, &browser) {
        let mut response = done(&call, m, (link, &sealed), &username)?;
        keep_language(&call, &head, &mut response);
        return Ok(response);
    }
    peek(&call, link).await?;
    let typed = Typed { username: "", email: "" };
    let mut response = form(&call, m, (&browser, link), &typed, FieldErrors::default())?;
    keep_language(&call, &head, &mut response);
    Ok(response)
}

/// `POST {iss}/first-administrator/{token}`: makes the account.
///
/// # Errors
/// The form is not our own, the link is used up, or the database failed.
pub async fn create(call: Call, head: Head, body: Body) -> Handled {
    if !is_own_origin(&call, &head) {
        return Err(PageFailure::forged("the form comes from another site"));
    }
    let fields = read_form(&head, body).await?;
    let browser = Browser::of(&call, &head).await?;
    if !browser.token_matches(&call, PURPOSE, fields.get("csrf").unwrap_or_default()) {
        return Err(PageFailure::forged("the anti-forgery token is not that of this browser and page"));
    }
    let link = link_of(&head);
    peek(&call, link).await?;
    refuse_if_closed(&call)?;
    let m = language(&call, &head, None);
    let typed = Typed::of(&fields);
    let wanted = match Wanted::check(m, &fields, &[call.tenant.name.as_str(), call.tenant.slug.as_str()]) {
        Ok(wanted) => wanted,
        Err(errors) => return form(&call, m, (&browser, link), &typed, errors),
    };
    let taken = taken(&call, m, &wanted).await?;
    if !taken.0.is_empty() {
        return form(&call, m, (&browser, link), &typed, taken);
    }
    if let Some(response) = write(&call, &browser, link, &wanted).await? {
        return Ok(response);
    }
    // Somebody was faster with the name; if they are gone again already, it is still the name.
    let mut errors = self::taken(&call, m, &wanted).await?;
    if errors.0.is_empty() {
        errors.0.push(("username", m.t("field-username-taken").to_owned()));
    }
    form(&call, m, (&browser, link), &typed, errors)
}

fn link_of(head: &Head) -> &str {
    head.uri.path().strip_prefix("/first-administrator/").unwrap_or_default()
}

/// Refuses a link that would no longer serve; consumes nothing.
async fn peek(call: &Call, link: &str) -> Result<(), PageFailure> {
    if call.store.peek_one_time_token(Purpose::AdminLink, &SecretHash::of(link), call.now).await? {
        return Ok(());
    }
    Err(link_used())
}

fn link_used() -> PageFailure {
    PageFailure::new(StatusCode::GONE, "link-used", "gone", "the link is unknown, used or expired")
}

/// What was typed and is shown again; never the password.
struct Typed<'a> {
    username: &'a str,
    email: &'a str,
}

impl<'a> Typed<'a> {
    fn of(fields: &'a Params) -> Self {
        Self { username: fields.get("username").unwrap_or_default(), email: fields.get("email").unwrap_or_default() }
    }
}

/// What can be made into an account.
struct Wanted {
    /// As typed, and as it is looked up.
    username: (String, String),
    /// As typed, and as it is looked up.
    email: (String, String),
    password: Zeroizing<String>,
}

impl Wanted {
    fn check(m: &Messages, fields: &Params, context: &[&str]) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut note = |field, text: Option<String>| {
            errors.0.extend(text.map(|text| (field, text)));
        };
        let username = new_account::check_username(fields.get("username"));
        note("username", username.as_ref().err().map(|problem| told(m, *problem).1));
        let email = address_of(fields.get("email"));
        let missing = fields.get("email").is_none_or(|text| text.trim().is_empty());
        let no_email = m.t(if missing { "field-email-missing" } else { "field-email-invalid" });
        note("email", email.is_none().then(|| no_email.to_owned()));
        let password = Zeroizing::new(fields.get("password").unwrap_or_default().to_owned());
        note("password", password_problem(&password, fields, context).map(|problem| told(m, problem).1));
        match (username, email) {
            (Ok(username), Some(email)) if errors.0.is_empty() => Ok(Self { username, email, password }),
            _ => Err(errors),
        }
    }
}

fn address_of(typed: Option<&str>) -> Option<(String, String)> {
    let typed = typed?.trim();
    let normal = identifier::normalise(typed).ok()?;
    is_email(typed).then(|| (typed.to_owned(), normal))
}

/// Something before and a host after the one `@`; whether mail arrives there only a mail can tell.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    !local.is_empty() && !host.contains('@') && host.split('.').all(|label| !label.is_empty())
}

fn password_problem(password: &str, fields: &Params, context: &[&str]) -> Option<Problem> {
    if let Err(problem) = new_account::check_password(password) {
        return Some(problem);
    }
    // NIST SP 800-63B §3.1.1.2: what is guessed first, the other fields and the tenant's own name included.
    let context: Vec<&str> = ["username", "email"]
        .into_iter()
        .filter_map(|field| fields.get(field))
        .chain(context.iter().copied())
        .collect();
    (!new_account::is_strong(password, &context)).then_some(Problem::PasswordCommon)
}

/// Which of the two login identifiers somebody has already, whatever it is to them: name or address.
async fn taken(call: &Call, m: &Messages, wanted: &Wanted) -> Result<FieldErrors, StoreError> {
    let mut errors = FieldErrors::default();
    for (field, (_, value), text) in
        [("username", &wanted.username, "field-username-taken"), ("email", &wanted.email, "field-email-taken")]
    {
        if call.store.user_to_sign_in(value).await?.is_some() {
            errors.0.push((field, m.t(text).to_owned()));
        }
    }
    Ok(errors)
}

/// Account, first session and the use of the link, all or nothing; then on to the page that says so. `None` if a
/// login identifier is somebody's: the link still serves.
async fn write(call: &Call, browser: &Browser, link: &str, wanted: &Wanted) -> Result<Option<Response>, PageFailure> {
    let phc = call.app.passwords.hash(wanted.password.clone()).await?;
    let (username, email) = (&wanted.username, &wanted.email);
    let claims = json!({ "email": email.0, "email_verified": false });
    let user = User {
        id: UserId(mint::opaque_id()),
        status: UserStatus::Active,
        username: username.0.clone(),
        claims: claims.as_object().cloned().unwrap_or_else(Map::new),
        created_at: call.now,
        audit_salt: Some(mint::bytes::<16>().to_vec()),
    };
    let secret = mint::secret();
    // Who has just chosen a password need not type it again.
    let mut session = Session::begin(SessionId(mint::opaque_id()), user.id, "pwd", &call.tenant.settings, call.now);
    session.user_agent = call.peer.user_agent.as_deref().map(str::to_owned);
    let event = |kind| call.event(kind).user(user.id, user.audit_salt.clone());
    let signed_in =
        event(AuditKind::SignInSucceeded).with("method", "password").with("session", session.id.to_string());
    let beside = call
        .audit(event(AuditKind::AdministratorCreated))
        .and(call.store.new_session(&session, &secret.hash()))
        .and(make_room(call, browser, user.id))
        .and(call.audit(signed_in));
    let draft = UserDraft {
        user,
        username: username.1.clone(),
        email: Some(email.1.clone()),
        phc: Some(phc),
        administrator: true,
    };
    let one_use = call.store.one_use(Purpose::AdminLink, &SecretHash::of(link), call.now);
    match call.store.add_user_by_token(one_use, &draft, beside, call.now).await {
        Ok(true) => {}
        Ok(false) => return Err(link_used()),
        Err(StoreError::Duplicate) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let made = seal_name(call, browser, &username.0)?;
    let mut response = see_other(&format!("{}/first-administrator/{link}?done={made}", call.tenant.path));
    browser.remember(call, &mut response, &secret, &session);
    browser.mark_known(call, &mut response, session.user_id).await;
    Ok(Some(response))
}

/// The name travels to the next page sealed for this browser: nobody else learns who has used the link.
fn seal_context(browser: &Browser) -> Vec<u8> {
    [PURPOSE.as_bytes(), browser.hash().bytes()].concat()
}

fn seal_name(call: &Call, browser: &Browser, username: &str) -> Result<String, PageFailure> {
    let failed = |error| PageFailure::new(StatusCode::INTERNAL_SERVER_ERROR, "server-error", "server_error", error);
    call.tenant.secrets.handle.seal_text(&seal_context(browser), username.as_bytes()).map_err(failed)
}

/// The name, and how it came.
fn made_here(call: &Call, head: &Head, browser: &Browser) -> Option<(String, String)> {
    let query = Params::parse_leniently(head.query()?.as_bytes()).ok()?;
    let sealed = query.get("done")?;
    let name = call.tenant.secrets.handle.open_text(&seal_context(browser), sealed).ok()?;
    Some((String::from_utf8(name.to_vec()).ok()?, sealed.to_owned()))
}

fn done(call: &Call, m: &'static Messages, (link, sealed): (&str, &str), username: &str) -> Handled {
    let next = format!("{}/account/sessions", call.tenant.path);
    let here = format!("{}/first-administrator/{link}?done={sealed}&lang=", call.tenant.path);
    let frame = frame(call, m, m.t("first-admin-done").to_owned(), &here);
    page(StatusCode::OK, &FirstAdminDone { frame, username, next_href: &next }, None)
}

fn form(
    call: &Call,
    m: &'static Messages,
    (browser, link): (&Browser, &str),
    typed: &Typed<'_>,
    errors: FieldErrors,
) -> Handled {
    let status = if errors.0.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let action = format!("{}/first-administrator/{link}", call.tenant.path);
    let csrf = browser.token(call, PURPOSE);
    let view = FirstAdmin {
        frame: frame(call, m, m.t("first-admin-title").to_owned(), &format!("{action}?lang=")),
        form: Form { action: &action, csrf: &csrf, hidden: Vec::new() },
        username: typed.username,
        email: typed.email,
        password_length: new_account::MIN_PASSWORD,
        errors,
    };
    let mut response = page(status, &view, None)?;
    browser.introduce(call, &mut response);
    Ok(response)
}
