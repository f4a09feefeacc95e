//! What a browser brings along: its own secret, the secrets of its sessions, its language.
//!
//! Cookies are scoped to the issuer: `__Host-` for a tenant with its own host, `__Secure-` with the path of the
//! tenant for one below a path, neither prefix on a plain-http loopback. A name that comes twice counts as absent:
//! a neighbour could have added one (RFC 6265 §8.6).

use std::collections::HashMap;

use poem::Response;
use poem::http::{HeaderValue, header};

use super::messages::{self, Messages};
use crate::call::{Call, Head};
use crate::mint;
use crate::protocol::identifiers::{SessionId, UserId};
use crate::protocol::params::Params;
use crate::protocol::secret::{Secret, SecretHash, equal_in_constant_time};
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;
use crate::sign_in::session::{self, MOST_IN_A_BROWSER, Session};
use crate::store::StoreError;

/// Length of every secret in a cookie: 32 bytes in base64url.
const SECRET_LENGTH: usize = 43;
/// Length of a mark in a cookie: 132 bits in base64url, more than anybody guesses.
const MARK_LENGTH: usize = 22;
/// A cookie that outlives the browser stays this long in seconds; the rows decide what it is worth.
const YEAR: u32 = 365 * 86_400;

/// Names of the cookies, without prefix.
const BROWSER: &str = "chancery-browser";
/// Every session, the one used last first. Ends with the browser.
const SESSIONS: &str = "chancery-session";
/// The sessions among them that stay when the browser is closed.
const KEPT: &str = "chancery-kept";
/// Who has signed in here. It opens nothing, and names nobody to those who have not the tenant's key.
const MARKS: &str = "chancery-known";
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
    /// Whether it brought sessions that are kept.
    holds_kept: bool,
    /// Marks of the people who have signed in here, the latest first.
    marks: Vec<String>,
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
        let (all, kept) = (cookie(SESSIONS).unwrap_or_default(), cookie(KEPT).unwrap_or_default());
        // What the tenant does not allow to be kept any longer has ended with the browser.
        let counts = if call.tenant.settings.keep_signed_in { kept } else { "" };
        let mut secrets: Vec<&str> = Vec::new();
        for secret in all.split('.').chain(counts.split('.')).filter(|secret| is_secret(secret)) {
            if secrets.len() < MOST_IN_A_BROWSER && !secrets.contains(&secret) {
                secrets.push(secret);
            }
        }
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
        let marks = cookie(MARKS).unwrap_or_default().split('.').filter(|mark| mark.len() == MARK_LENGTH);
        let marks = marks.take(MOST_IN_A_BROWSER).map(str::to_owned).collect();
        Ok(Self { secret, is_new, holds_kept: !kept.is_empty(), marks, known })
    }

    /// The sessions whose people are signed in and may be.
    pub fn sessions(&self) -> Vec<Session> {
        self.known.iter().filter(|known| known.user.is_active()).map(|known| known.session.clone()).collect()
    }

    /// The person of a session of this browser.
    pub fn user_of(&self, session: SessionId) -> Option<&User> {
        self.known.iter().find(|known| known.session.id == session).map(|known| &known.user)
    }

    /// Whether this person was signed in here before, with the password that they set `since`: then guessing elsewhere
    /// does not slow the sign-in here.
    pub fn knows(&self, call: &Call, user: UserId, since: Timestamp) -> bool {
        let mark = mark(call, user, since);
        self.marks.iter().any(|known| equal_in_constant_time(known, &mark))
    }

    /// Whether this person wished to stay signed in here, the last time.
    pub fn keeps(&self, username: &str) -> bool {
        self.known.iter().any(|known| known.user.username == username && known.session.kept)
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

    /// The session that has to go when `user` signs in.
    pub fn crowded_out(&self, user: UserId, now: Timestamp) -> Option<&Known> {
        let others: Vec<&Session> =
            self.known.iter().map(|known| &known.session).filter(|session| session.user_id != user).collect();
        let gone = session::makes_room(&others, now)?.id;
        self.known.iter().find(|known| known.session.id == gone)
    }

    /// Puts the session that `secret` opens first, in the place of what its person had here before.
    pub fn remember(&self, call: &Call, response: &mut Response, secret: &Secret, session: &Session) {
        let gone = self.crowded_out(session.user_id, call.now).map(|known| known.session.id);
        let stays = |known: &&Known| known.user.id != session.user_id && Some(known.session.id) != gone;
        let others = self.known.iter().filter(stays).map(Known::held);
        let all: Vec<Held<'_>> = std::iter::once((secret.expose(), session.kept)).chain(others).collect();
        self.hold(call, response, &all);
    }

    /// Marks that this person has signed in here, as long as their password stays as it is. Who has signed in is not
    /// stopped by a mark that cannot be made: it only spares waiting.
    pub async fn mark_known(&self, call: &Call, response: &mut Response, user: UserId) {
        let Ok(Some(since)) = call.store.password_set_at(user).await else { return };
        let mark = mark(call, user, since);
        let others = self.marks.iter().filter(|known| **known != mark).map(String::as_str);
        let marks: Vec<&str> = std::iter::once(mark.as_str()).chain(others).take(MOST_IN_A_BROWSER).collect();
        set_cookie(call, response, MARKS, &marks.join("."), Some(YEAR));
    }

    /// Puts a session that the browser holds already first.
    pub fn prefer(&self, call: &Call, response: &mut Response, session: SessionId) {
        let (first, others): (Vec<&Known>, Vec<&Known>) =
            self.known.iter().partition(|known| known.session.id == session);
        let all: Vec<Held<'_>> = first.into_iter().chain(others).map(Known::held).collect();
        self.hold(call, response, &all);
    }

    /// Takes a session off the list of this browser, and the mark of its person.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn forget(&self, call: &Call, response: &mut Response, gone: &Known) -> Result<(), StoreError> {
        self.let_go(call, response, &[gone.session.id]);
        if let Some(since) = call.store.password_set_at(gone.user.id).await? {
            let mark = mark(call, gone.user.id, since);
            let rest: Vec<&str> = self.marks.iter().filter(|known| **known != mark).map(String::as_str).collect();
            set_cookie(call, response, MARKS, &rest.join("."), Some(YEAR));
        }
        Ok(())
    }

    /// Takes sessions off the list of this browser.
    pub fn let_go(&self, call: &Call, response: &mut Response, gone: &[SessionId]) {
        let rest = self.known.iter().filter(|known| !gone.contains(&known.session.id));
        self.hold(call, response, &rest.map(Known::held).collect::<Vec<_>>());
    }

    /// Gives the browser the secrets of these sessions and of no others.
    fn hold(&self, call: &Call, response: &mut Response, sessions: &[Held<'_>]) {
        let join =
            |held: &mut dyn Iterator<Item = &Held<'_>>| held.map(|(secret, _)| *secret).collect::<Vec<_>>().join(".");
        set_cookie(call, response, SESSIONS, &join(&mut sessions.iter()), None);
        let kept = join(&mut sessions.iter().filter(|(_, kept)| *kept && call.tenant.settings.keep_signed_in));
        if self.holds_kept || !kept.is_empty() {
            set_cookie(call, response, KEPT, &kept, Some(YEAR));
        }
    }
}

/// The secret of a session, and whether it is kept.
type Held<'a> = (&'a str, bool);

impl Known {
    fn held(&self) -> Held<'_> {
        (&self.secret, self.session.kept)
    }
}

/// What a browser shows to be known to a person: the same in all browsers of theirs, until the password changes.
fn mark(call: &Call, user: UserId, since: Timestamp) -> String {
    let mut mark = call.tenant.secrets.known_browser.text_of(&[user.0.as_bytes(), &since.seconds().to_be_bytes()]);
    mark.truncate(MARK_LENGTH);
    mark
}

/// The language that was chosen in this browser before.
pub fn kept_language<'a>(call: &Call, head: &'a Head) -> Option<&'a str> {
    cookies(head).get(cookie_name(call, LANGUAGE).as_str()).copied().flatten()
}

/// The language that was chosen by the switcher just now. Clients lead people to some of our addresses, and choose
/// nothing there: their wish is `ui_locales`.
pub fn chosen_language(head: &Head) -> Option<&'static Messages> {
    // Most have none, and need not be read for it.
    let query = head.query().filter(|query| query.contains("lang="))?;
    let ours = match head.uri.path() {
        "/authorize" => false,
        // The switcher is there too; browsers tell its links from those of others.
        "/end_session" => head.header("sec-fetch-site") == Some("same-origin"),
        _ => true,
    };
    if !ours {
        return None;
    }
    Params::parse_leniently(query.as_bytes()).ok()?.get("lang").and_then(messages::language)
}

/// A language that is chosen by the switcher stays for the pages that follow. A link of another site shows a page in a
/// language, and no more.
pub fn keep_language(call: &Call, head: &Head, response: &mut Response) {
    let foreign = matches!(head.header("sec-fetch-site"), Some("cross-site" | "same-site"));
    if let Some(chosen) = chosen_language(head).filter(|_| !foreign) {
        set_cookie(call, response, LANGUAGE, chosen.tag(), Some(YEAR));
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
