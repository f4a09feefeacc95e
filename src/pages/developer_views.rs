//! What each developer page shows, as `views` does for all others.

use askama::Template;

use super::assets;
use super::views::{Account, ClientCard, FieldErrors, Form, Frame, Moment, Notice, initials, link};

/// Where to go first (`serve --dev`).
#[derive(Template)]
#[template(path = "start.html")]
pub struct Start<'a> {
    /// The title is "Chancery is running".
    pub frame: Frame<'a>,
    /// The issuer of the sample tenant.
    pub issuer: &'a str,
    /// Sample clients: `client_id`, kind, secret or nothing, redirect URI.
    pub clients: Vec<[String; 4]>,
    /// Sample people: username, mail address.
    pub people: Vec<(String, String)>,
    /// Cards: message id (`start-playground`, `-account`, `-mail`, `-errors`, `-styleguide`) and URL.
    pub links: Vec<(&'static str, String)>,
}

/// A mail kept instead of sent.
pub struct CaughtMail {
    /// Its recipient.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was sent.
    pub time: Moment,
    /// Its text part.
    pub text: String,
    /// The links in it.
    pub links: Vec<String>,
}

/// Mail caught in dev mode, newest first.
#[derive(Template)]
#[template(path = "dev_mail.html")]
pub struct DevMail<'a> {
    /// The title is "Caught mail".
    pub frame: Frame<'a>,
    /// None yet: the page says how to cause one.
    pub mails: Vec<CaughtMail>,
}

/// Index of every error page.
#[derive(Template)]
#[template(path = "dev_errors.html")]
pub struct DevErrors<'a> {
    /// The title is "Error pages".
    pub frame: Frame<'a>,
    /// Status, kind, its heading, URL of the page.
    pub rows: Vec<(u16, &'static str, &'static str, String)>,
}

/// Every component in every state.
#[derive(Template)]
#[template(path = "style_guide.html")]
pub struct StyleGuide<'a> {
    /// The title is "Style guide".
    pub frame: Frame<'a>,
    /// A client without a picture.
    pub client: ClientCard<'a>,
    /// The same with one.
    pub pictured: ClientCard<'a>,
    /// Somebody who is signed in, and somebody who is not.
    pub accounts: [Account; 2],
    /// Some minutes ago.
    pub time: Moment,
    /// Messages in every direction: the lanes they leave and reach, and their line.
    pub exchanges: [(&'static str, &'static str, &'static str); 6],
}

/// One message between two of `lane-app`, `lane-browser`, `lane-server`.
pub struct Exchange {
    /// The lanes it leaves and reaches.
    pub lanes: (&'static str, &'static str),
    /// "GET /authorize", "302 Found".
    pub line: String,
    /// What it is for, in one sentence.
    pub note: String,
    /// The message as sent, secrets masked.
    pub raw: String,
    /// The same as a command; only for requests that need no browser.
    pub curl: Option<String>,
}

/// A token taken apart; rows are name, value, meaning ([`Messages::claim`]).
pub struct DecodedToken {
    /// `id_token`, `access_token` …
    pub name: String,
    /// As it came.
    pub raw: String,
    /// Rows of its header; none if opaque.
    pub header: Vec<[String; 3]>,
    /// Rows of its payload.
    pub claims: Vec<[String; 3]>,
}

/// Runs a flow before one's eyes. Posts `client`, `flow` and the ticked `with`s.
#[derive(Template)]
#[template(path = "playground.html")]
pub struct Playground<'a> {
    /// The title is "Playground".
    pub frame: Frame<'a>,
    /// Carries `csrf`.
    pub form: Form<'a>,
    /// Value, text, whether chosen.
    pub clients: Vec<(String, String, bool)>,
    /// Value, message id, whether chosen.
    pub flows: Vec<(&'static str, &'static str, bool)>,
    /// Value of `with`, message id, whether ticked: PKCE, PAR, DPoP, resource, claims.
    pub toggles: Vec<(&'static str, &'static str, bool)>,
    /// How the run ended; none before the first.
    pub outcome: Option<Notice>,
    /// What went over the wire, in order.
    pub exchanges: Vec<Exchange>,
    /// What came back.
    pub tokens: Vec<DecodedToken>,
}
