//! What each page shows: one struct a page, every value ready to print.
//!
//! The templates hold markup with `if` and `for`, nothing else. Askama escapes every value.

use std::borrow::Cow;

use askama::Template;

use super::assets;
use super::messages::{ErrorTexts, Messages};

/// What surrounds every page.
pub struct Frame<'a> {
    /// Texts and direction of the negotiated language.
    pub m: &'static Messages,
    /// The step: heading of the page and first half of its title.
    pub title: Cow<'a, str>,
    /// Name of the tenant, second half of the title.
    pub tenant_name: &'a str,
    /// Logo of the tenant, from our own origin or as `data:`; else its initials are shown.
    pub tenant_logo: Option<&'a str>,
    /// The stylesheet.
    pub css_href: &'static str,
    /// The tenant's colours.
    pub theme_href: Option<String>,
    /// The switcher in the footer; empty where the language is fixed.
    pub languages: Vec<LanguageLink>,
    /// The tenant's privacy statement.
    pub privacy_uri: Option<&'a str>,
    /// The tenant's terms.
    pub terms_uri: Option<&'a str>,
    /// Where the tenant's people find help.
    pub support_uri: Option<&'a str>,
    /// Whether the footer names us.
    pub powered_by: bool,
    /// Who is signed in, on pages that need it: shown name, and where signing out begins.
    pub signed_in: Option<(String, String)>,
}

impl<'a> Frame<'a> {
    /// A frame with nothing but what every page needs.
    pub fn new(m: &'static Messages, title: impl Into<Cow<'a, str>>, tenant_name: &'a str) -> Self {
        Self {
            m,
            title: title.into(),
            tenant_name,
            tenant_logo: None,
            css_href: assets::href("chancery.css"),
            theme_href: None,
            languages: Vec::new(),
            privacy_uri: None,
            terms_uri: None,
            support_uri: None,
            powered_by: true,
            signed_in: None,
        }
    }
}

/// One language of the switcher.
pub struct LanguageLink {
    /// For `lang` and `hreflang`.
    pub tag: &'static str,
    /// Its name in itself.
    pub name: &'static str,
    /// This page in that language.
    pub href: String,
    /// Whether this is the language shown.
    pub current: bool,
}

impl LanguageLink {
    /// All languages; `prefix` ends where the tag belongs, as in `?ui_locales=`.
    pub fn all(m: &Messages, prefix: &str) -> Vec<Self> {
        let mut links = Vec::with_capacity(m.languages().len());
        for &(tag, name) in m.languages() {
            let (href, current) = (format!("{prefix}{tag}"), tag == m.tag());
            links.push(Self { tag, name, href, current });
        }
        links
    }
}

/// A POST form of ours: where it goes and what it carries unseen.
pub struct Form<'a> {
    /// Path the form is posted to.
    pub action: &'a str,
    /// Token against posts from elsewhere.
    pub csrf: &'a str,
    /// Further hidden fields: `handle`, `token`.
    pub hidden: Vec<(&'static str, &'a str)>,
}

/// What is wrong with a form: the id of the field, and the sentence to show.
#[derive(Default)]
pub struct FieldErrors(pub Vec<(&'static str, String)>);

impl FieldErrors {
    /// The first sentence about one field.
    pub fn on(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| *name == field);
        found.map(|(_, text)| text.as_str())
    }
}

/// A banner above a form.
pub struct Notice {
    /// `info`, `ok`, `warn` or `danger`: its colour and icon.
    pub tone: &'static str,
    /// What it says.
    pub text: String,
}

impl Notice {
    /// Too many attempts; `seconds` until the next one counts.
    pub fn slow_down(m: &Messages, seconds: u64) -> Self {
        let text = m.with("notice-slow-down", &[("wait", &m.lasting(seconds))]);
        Self { tone: "warn", text }
    }
}

/// A moment: machine form (RFC 3339), exact for people, and relative ("5 minutes ago").
pub struct Moment {
    /// For `datetime`.
    pub machine: String,
    /// For `title`.
    pub exact: String,
    /// What is read.
    pub relative: String,
}

/// The client a page speaks of.
pub struct ClientCard<'a> {
    /// Its `client_name`.
    pub name: &'a str,
    /// Its logo as kept by us: own origin or `data:`. Never its `logo_uri`, which would tell it who looks.
    pub logo: Option<&'a str>,
    /// Its `policy_uri`.
    pub policy_uri: Option<&'a str>,
    /// Its `tos_uri`.
    pub tos_uri: Option<&'a str>,
    /// Host the browser goes to afterwards.
    pub host: Option<&'a str>,
    /// Whether someone of the tenant vouches for it.
    pub verified: bool,
}

/// Sign-in on one page: identifier and password.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    /// The title is the heading: "Sign in to {client}".
    pub frame: Frame<'a>,
    /// Carries `csrf` and `handle`; fields are `username`, `password`, `keep`.
    pub form: Form<'a>,
    /// Who asked; none when someone comes to their own account.
    pub client: Option<ClientCard<'a>>,
    /// Typed before, or hinted by the client.
    pub username: &'a str,
    /// "Not you?": the identifier is then fixed.
    pub not_you_href: Option<&'a str>,
    /// Why this page came: [`Notice::slow_down`], or one of the `notice-` texts.
    pub notice: Option<Notice>,
    /// Fields `username`, `password`; shown in a box as well.
    pub errors: FieldErrors,
    /// The box "Keep me signed in": absent, or whether it is ticked.
    pub keep: Option<bool>,
    /// "Forgot your password?"
    pub recover_href: Option<&'a str>,
    /// "Create an account"
    pub register_href: Option<&'a str>,
}

/// Somebody makes an account.
#[derive(Template)]
#[template(path = "new_account.html")]
pub struct NewAccount<'a> {
    /// The title is "Create your account".
    pub frame: Frame<'a>,
    /// Carries `csrf` and `handle`; fields are `username`, `name`, `password`.
    pub form: Form<'a>,
    /// Who asked.
    pub client: ClientCard<'a>,
    /// Typed before, or hinted by the client.
    pub username: &'a str,
    /// Typed before.
    pub name: &'a str,
    /// Least length of the password.
    pub password_length: usize,
    /// Why it is not looked at now.
    pub notice: Option<Notice>,
    /// Fields `username`, `name`, `password`.
    pub errors: FieldErrors,
    /// "Sign in"
    pub sign_in_href: &'a str,
}

/// A person this browser knows.
pub struct Account {
    /// Opaque reference, posted as `session`.
    pub session: String,
    /// Shown name.
    pub name: String,
    /// Mail address or username.
    pub detail: String,
    /// Whether a session is alive.
    pub signed_in: bool,
}

/// Which account to go on with. Posts `session` and `decision`: `choose` or `remove`.
#[derive(Template)]
#[template(path = "account_chooser.html")]
pub struct AccountChooser<'a> {
    /// The title is "Choose an account".
    pub frame: Frame<'a>,
    /// One form an account.
    pub form: Form<'a>,
    /// Who asked.
    pub client: Option<ClientCard<'a>>,
    /// Last used first.
    pub accounts: Vec<Account>,
    /// Whether there are so many that "Use another account" stands above them.
    pub many: bool,
    /// "Use another account"
    pub other_href: &'a str,
}

/// A permission.
pub struct ScopeRow {
    /// The scope, posted as `scope` if optional.
    pub scope: String,
    /// A few words.
    pub title: String,
    /// What the client can then do.
    pub sentence: String,
    /// If it may be left out: whether its box is ticked.
    pub optional: Option<bool>,
    /// Whether it is asked for the first time while others were granted before.
    pub new: bool,
}

/// What a client may do. Posts `decision` (`allow` or `deny`) and the ticked `scope`s.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// The title is "{client} asks for access".
    pub frame: Frame<'a>,
    /// Carries `csrf` and `handle`.
    pub form: Form<'a>,
    /// Who asks.
    pub client: ClientCard<'a>,
    /// Shown name and mail address of the account in use.
    pub account: (&'a str, &'a str),
    /// "Use another account"
    pub switch_href: Option<&'a str>,
    /// Part of the access was granted before: "also wants".
    pub also: bool,
    /// All of it was, and is asked once more.
    pub again: bool,
    /// Heading (`consent-group-profile`, `-behalf`, `-away`) and rows; empty groups are left out.
    pub groups: Vec<(&'static str, Vec<ScopeRow>)>,
    /// Whether some of it may be left out.
    pub choice: bool,
    /// Names of the APIs the tokens are for.
    pub resources: Vec<String>,
    /// Whether what is allowed holds for this time alone.
    pub each_time: bool,
}

/// Asks before ending a session.
#[derive(Template)]
#[template(path = "sign_out_confirm.html")]
pub struct SignOutConfirm<'a> {
    /// The title is "Sign out of {tenant}?".
    pub frame: Frame<'a>,
    /// Carries `csrf` and `handle`.
    pub form: Form<'a>,
    /// Shown names of the accounts that are signed in here.
    pub accounts: Vec<&'a str>,
    /// Apps that will be told.
    pub apps: Vec<String>,
    /// "Stay signed in"
    pub cancel_href: Option<&'a str>,
}

/// The session has ended, or there was none.
#[derive(Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// The title is "You are signed out".
    pub frame: Frame<'a>,
    /// Name of the client and where it begins, if it is verified.
    pub back: Option<(&'a str, &'a str)>,
}

/// A refusal that ends here instead of at the client.
#[derive(Template)]
#[template(path = "error_page.html")]
pub struct ErrorPage<'a> {
    /// The title is that of `texts`.
    pub frame: Frame<'a>,
    /// From [`Messages::error`].
    pub texts: ErrorTexts,
    /// Registered error code; also in `data-error`.
    pub code: &'a str,
    /// "Back to {client}": name and verified URI.
    pub back: Option<(&'a str, &'a str)>,
    /// "Start again" or "Try again".
    pub again_href: Option<&'a str>,
    /// What the operator finds the request by.
    pub trace_id: &'a str,
    /// When it happened.
    pub time: Moment,
    /// Name and value of what the client's developer wants to know: parameter, description, request.
    pub facts: Vec<(&'a str, String)>,
    /// Documentation of this error.
    pub docs_href: Option<&'a str>,
}

/// `response_mode=form_post`: sends itself, or waits for a press of the button.
#[derive(Template)]
#[template(path = "form_post.html")]
pub struct FormPost<'a> {
    /// The title is "Back to {client}".
    pub frame: Frame<'a>,
    /// The redirect URI.
    pub action: &'a str,
    /// Response parameters in order.
    pub fields: Vec<(String, String)>,
}

/// An attempt to sign in that cannot go on.
#[derive(Template)]
#[template(path = "resume.html")]
pub struct Resume<'a> {
    /// The title is `resume-finished` or `resume-expired`.
    pub frame: Frame<'a>,
    /// Finished in another tab, rather than too old.
    pub finished: bool,
    /// The client's own sign-in: "Start again", or "Back" if finished.
    pub start_href: Option<&'a str>,
    /// Name of the client, for the sentence.
    pub client: Option<&'a str>,
}

/// One signed-in browser.
pub struct SessionRow {
    /// Opaque reference, posted as `session`.
    pub session: String,
    /// "Firefox on Windows", or `sessions-unknown-device`.
    pub device: String,
    /// Rough place or address, if known.
    pub place: Option<String>,
    /// When it began.
    pub started: Moment,
    /// When it was last used.
    pub seen: Moment,
    /// Whether it is the one reading this.
    pub current: bool,
    /// Whether it stays when the browser is closed.
    pub kept: bool,
    /// Apps signed in through it.
    pub apps: Vec<String>,
}

/// Where the person is signed in. Posts `session` with `decision=one`, or `decision=others`.
#[derive(Template)]
#[template(path = "sessions.html")]
pub struct Sessions<'a> {
    /// The title is "Where you are signed in".
    pub frame: Frame<'a>,
    /// One form a session.
    pub form: Form<'a>,
    /// What was just done.
    pub notice: Option<Notice>,
    /// The current one first.
    pub sessions: Vec<SessionRow>,
}

/// The first administrator chooses a name and a password.
#[derive(Template)]
#[template(path = "first_admin.html")]
pub struct FirstAdmin<'a> {
    /// The title is "Create the first administrator".
    pub frame: Frame<'a>,
    /// Carries `csrf` and `token`; fields are `username`, `email`, `password`.
    pub form: Form<'a>,
    /// Typed before.
    pub username: &'a str,
    /// Typed before.
    pub email: &'a str,
    /// Least length of the password.
    pub password_length: usize,
    /// Fields `username`, `email`, `password`.
    pub errors: FieldErrors,
}

/// The first administrator exists.
#[derive(Template)]
#[template(path = "first_admin_done.html")]
pub struct FirstAdminDone<'a> {
    /// The title is "You are the administrator now".
    pub frame: Frame<'a>,
    /// Who it is.
    pub username: &'a str,
    /// Where to go on.
    pub next_href: &'a str,
}

/// Up to two initials, for a picture nobody had to fetch.
pub fn initials(name: &str) -> String {
    let first = |word: &str| word.chars().find(|c| c.is_alphanumeric());
    let letters = name.split_whitespace().filter_map(first).take(2);
    letters.flat_map(char::to_uppercase).collect()
}

/// A registered link, unless following it could run something: the web, or an app's own
/// scheme, which holds a period (RFC 8252 §7.1).
pub fn link(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    (matches!(scheme, "https" | "http") || scheme.contains('.')).then_some(uri)
}
