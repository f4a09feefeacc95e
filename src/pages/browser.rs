//! What a browser brings along: its own secret, the secrets of its sessions, its language.
//!
//! Cookies are scoped to the issuer: `__Host-` for a tenant with its own host, `__Secure-` with the path of the
//! tenant for one below a path, neither prefix on a plain-http loopback. A name that comes twice counts as absent:
//! a neighbour could have added one (RFC 6265 §8.6).

use std::collections::HashMap;

use poem::Response;
use poem::http::{HeaderValue, header};

use super::messages;
use crate::call::{Call, Head};
use crate::mint;
use crate::protocol::identifiers::{SessionId, UserId};
use crate::protocol::params::Params;
use crate::protocol::secret::{Secret, SecretHash, equal_in_constant_time};
use crate::protocol::user::User;
use crate::sign_in::session::Session;
use crate::store::StoreError;

/// Sessions that one browser keeps at most.
const MAX_SESSIONS: usize = 10;
/// Length of every secret in a cookie: 32 bytes in base64url.
const SECRET_LENGTH: usize = 43;
/// The cookie of sessions stays this long in seconds; the rows decide what it is worth.
const SESSION_COOKIE_SECONDS: u32 = 365 * 86_400;

/// Names of the cookies, without prefix.
const BROWSER: &str = "chancery-browser";
const SESSIONS: &str = "chancery-session";
const LANGUAGE: &str = "chancery-language";

/// A session of this browser.
#[derive(Debug)]
pub struct Known {
    /// The session, alive or not.
    pub session: Session,
    /// Whose it is.
    pub user: User,
    /// The secret by which the browser holds it.
    secret: String,
}

/// What a browser brings along.
#[derive(Debug)]
pub struct Browser {
    secret: String,
    is_new: bool,
    /// Its sessions, the one used last first.
    pub known: Vec<Known>,
}

impl Browser {
    /// Reads the cookies and looks the sessions up.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn of(call: &Call, head: &Head) -> Result<Self, StoreError> {
        let cookies = cookies(head);
        let cookie = |name: &str| cookies.get(cookie_name(call, name).as_str()).copied().flatten();
        let given = cookie(BROWSER).filter(|secret| is_secret(secret)).map(str::to_owned);
        let is_new = given.is_none();
        let secrets: Vec<&str> = cookie(SESSIONS)
            .unwrap_or_default()
            .split('.')
            .filter(|secret| is_secret(secret))
            .take(MAX_SESSIONS)
            .collect();
        let hashes: Vec<SecretHash> = secrets.iter().map(|secret| SecretHash::of(secret)).collect();
        let mut found = call.store.browser_sessions(&hashes).await?;
        let mut known = Vec::with_capacity(found.len());
        // In the order of the cookie: the one used last comes first.
        for (secret, hash) in secrets.iter().zip(&hashes) {
            if let Some(at) = found.iter().position(|(_, _, stored)| stored.bytes() == hash.bytes()) {
                let (session, user, _) = found.swap_remove(at);
                known.push(Known { session, user, secret: (*secret).to_owned() });
            }
        }
        let secret = given.unwrap_or_else(|| mint::secret().expose().to_owned());
        Ok(Self { secret, is_new, known })
    }

    /// The sessions whose people are signed in and may be.
    pub fn sessions(&self) -> Vec<Session> {
        self.known.iter().filter(|known| known.user.is_active()).map(|known| known.session.clone()).collect()
    }

    /// The person of a session of this browser.
    pub fn user_of(&self, session: SessionId) -> Option<&User> {
        self.known.iter().find(|known| known.session.id == session).map(|known| &known.user)
    }

    /// Whether this person was signed in here before: then guessing elsewhere does not slow the sign-in here.
    pub fn knows(&self, user: UserId) -> bool {
        self.known.iter().any(|known| known.user.id == user)
    }

    /// Whether it brought no secret along: it is here for the first time, or keeps no cookies.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What is stored of the browser's secret.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }

    /// The anti-forgery token of this browser for one purpose.
    pub fn token(&self, call: &Call, purpose: &str) -> String {
        call.tenant.secrets.anti_forgery.text_of(&[self.secret.as_bytes(), purpose.as_bytes()])
    }

    /// Whether `shown` is the anti-forgery token of this browser for `purpose`.
    pub fn token_matches(&self, call: &Call, purpose: &str, shown: &str) -> bool {
        !self.is_new && equal_in_constant_time(&self.token(call, purpose), shown)
    }

    /// Gives the browser its secret if it has none yet.
    pub fn introduce(&self, call: &Call, response: &mut Response) {
        if self.is_new {
            set_cookie(call, response, BROWSER, &self.secret, None);
        }
    }

    /// Puts the session that `secret` opens first; it takes the place of `replaced`.
    pub fn remember(&self, call: &Call, response: &mut Response, secret: &Secret, replaced: SessionId) {
        let others = self.known.iter().filter(|known| known.session.id != replaced).map(|known| known.secret.as_str());
        let all: Vec<&str> = std::iter::once(secret.expose()).chain(others).take(MAX_SESSIONS).collect();
        set_cookie(call, response, SESSIONS, &all.join("."), Some(SESSION_COOKIE_SECONDS));
    }

    /// Puts a session that the browser holds already first.
    pub fn prefer(&self, call: &Call, response: &mut Response, session: SessionId) {
        let (first, others): (Vec<&Known>, Vec<&Known>) =
            self.known.iter().partition(|known| known.session.id == session);
        let all: Vec<&str> = first.into_iter().chain(others).map(|known| known.secret.as_str()).collect();
        set_cookie(call, response, SESSIONS, &all.join("."), Some(SESSION_COOKIE_SECONDS));
    }

    /// Takes a session off the list of this browser.
    pub fn forget(&self, call: &Call, response: &mut Response, session: SessionId) {
        let rest: Vec<&str> =
            self.known.iter().filter(|known| known.session.id != session).map(|known| known.secret.as_str()).collect();
        set_cookie(call, response, SESSIONS, &rest.join("."), Some(SESSION_COOKIE_SECONDS));
    }
}

/// The language that was chosen in this browser before.
pub fn kept_language<'a>(call: &Call, head: &'a Head) -> Option<&'a str> {
    cookies(head).get(cookie_name(call, LANGUAGE).as_str()).copied().flatten()
}

/// A language that is chosen by the switcher stays for the pages that follow.
pub fn keep_language(call: &Call, head: &Head, response: &mut Response) {
    let Some(query) = head.query().and_then(|query| Params::parse_leniently(query.as_bytes()).ok()) else { return };
    if let Some(chosen) = query.get("lang").and_then(messages::language) {
        set_cookie(call, response, LANGUAGE, chosen.tag(), Some(SESSION_COOKIE_SECONDS));
    }
}

fn is_secret(text: &str) -> bool {
    text.len() == SECRET_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Every cookie of the request; one whose name comes twice is `None`.
fn cookies(head: &Head) -> HashMap<&str, Option<&str>> {
    let mut cookies = HashMap::new();
    for header in head.headers.get_all(header::COOKIE) {
        let Ok(header) = header.to_str() else { continue };
        for pair in header.split(';') {
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            cookies.entry(name).and_modify(|known| *known = None).or_insert(Some(value));
        }
    }
    cookies
}

fn cookie_name(call: &Call, name: &str) -> String {
    match (call.app.https, call.tenant.path.is_empty()) {
        (false, _) => name.to_owned(),
        (true, true) => format!("__Host-{name}"),
        (true, false) => format!("__Secure-{name}"),
    }
}

fn set_cookie(call: &Call, response: &mut Response, name: &str, value: &str, seconds: Option<u32>) {
    let name = cookie_name(call, name);
    let path = if call.tenant.path.is_empty() { "/" } else { &call.tenant.path };
    let secure = if call.app.https { "; Secure" } else { "" };
    let age = match (value.is_empty(), seconds) {
        (true, _) => "; Max-Age=0".to_owned(),
        (false, Some(seconds)) => format!("; Max-Age={seconds}"),
        (false, None) => String::new(),
    };
    let cookie = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{secure}{age}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
