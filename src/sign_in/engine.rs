//! What comes next in a sign-in — OpenID Connect Core §3.1.2.1, §3.1.2.3, §3.1.2.4, §3.1.2.6, §11; Prompt Create §4;
//! RFC 8252 §8.6.
//!
//! One plain function over what is known; every page and every handler asks it, none decides by itself.

use serde::{Deserialize, Serialize};

use super::new_account::Problem;
use super::session::Session;
use crate::protocol::authorization_request::{Checked, Refusal};
use crate::protocol::claims_request::{scope_in_words, scope_of};
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::identifiers::SessionId;
use crate::protocol::redirect_uri::ApplicationType;
use crate::protocol::scope::Scope;
use crate::protocol::tenant_settings::SelfRegistration;
use crate::protocol::timestamp::Timestamp;

/// What happened in this transaction so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The session that was chosen or begun.
    pub session_id: Option<SessionId>,
    /// Whether the person signed in within this transaction.
    pub signed_in: bool,
    /// Whether the person chose among accounts.
    pub chosen: bool,
    /// Whether the person wants to sign in with another account.
    pub another: bool,
    /// What the person allowed in this transaction.
    pub allowed: Option<Scope>,
    /// What to tell on the next page.
    pub notice: Option<Notice>,
    /// What the person typed as identifier the last time.
    pub typed: Option<String>,
    /// Whether the person wished to stay signed in, the last time.
    #[serde(default)]
    pub keep: bool,
    /// What the person turned to, where the pages leave a choice.
    #[serde(default)]
    pub wish: Option<Wish>,
    /// Why the account that the person wished could not be made.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// The name that the person typed there.
    #[serde(default)]
    pub typed_name: Option<String>,
}

impl Progress {
    /// The person follows a link from one page to the other: what was wrong there is not told here.
    pub fn turn_to(&mut self, wish: Wish) {
        if self.wish != Some(wish) {
            self.notice = None;
            self.problems.clear();
        }
        self.wish = Some(wish);
    }
}

/// What a person may turn to instead of what the client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// To make an account.
    Register,
    /// To use one that exists.
    SignIn,
}

impl Wish {
    /// As addresses write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
        }
    }

    /// From an address.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Register, Self::SignIn].into_iter().find(|wish| wish.as_str() == text)
    }
}

/// Something to tell on the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Identifier and password do not belong together; nothing more is said.
    Wrong,
    /// A field was left empty.
    Empty,
    /// Too many failures: wait so many seconds.
    SlowDown(i64),
    /// Too many sign-ins at once; wait so many seconds.
    Busy(i64),
    /// Accounts can no longer be made here.
    Closed,
}

/// What a person allowed a client before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// The scope.
    pub scope: Scope,
    /// The resources.
    pub resources: Vec<String>,
    /// Single claims, beside those that the scope stands for (Core §5.5).
    pub claims: Vec<String>,
    /// Optional scopes that were left out. They are not asked for again, unless the client asks for the question.
    pub declined: Scope,
}

impl Consent {
    /// Whether this claim was left out with the scope that stands for it.
    fn declines_claim(&self, claim: &str) -> bool {
        scope_of(claim).is_some_and(|of| self.declined.contains(of))
    }

    /// Without these scopes and what stands for them.
    fn without(self, declined: &Scope) -> Self {
        let left_out = |claim: &String| scope_of(claim).is_some_and(|of| declined.contains(of));
        Self {
            scope: self.scope.without(declined),
            claims: self.claims.into_iter().filter(|claim| !left_out(claim)).collect(),
            ..self
        }
    }

    /// Whether this claim may be shown: by its name, or by the scope that stands for it.
    pub fn allows_claim(&self, claim: &str) -> bool {
        self.claims.iter().any(|known| known == claim) || scope_of(claim).is_some_and(|of| self.scope.contains(of))
    }

    /// All that `request` asks for.
    pub fn to(request: &Checked) -> Self {
        let (scope, resources) = (request.scope.clone(), request.resources.clone());
        Self { scope, resources, claims: request.claims.names(), declined: Scope::default() }
    }

    /// Whether a scope or claim was allowed here and is not in `whole`.
    pub fn exceeds(&self, whole: &Self) -> bool {
        let lost = self.scope.without(&whole.scope);
        !lost.is_empty() || self.claims.iter().any(|claim| !whole.claims.contains(claim))
    }

    /// Whether all that `request` asks for was answered, by yes or by no.
    pub fn answers(&self, request: &Checked) -> bool {
        self.and(&Self::to(request).without(&self.declined)) == *self
    }

    /// Whether what `token` stands for in `request` was allowed: the scope, or else the claims in its words (Core §5.5).
    pub fn ticks(&self, request: &Checked, token: &str) -> bool {
        let allowed = |claim: &String| scope_of(claim) != Some(token) || self.allows_claim(claim);
        let claims = || !request.scope.contains(token) && request.claims.names().iter().all(allowed);
        self.scope.contains(token) || claims()
    }

    /// What is allowed here or in `other`, and declined here.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let both = |one: &[String], other: &[String]| {
            let new = other.iter().filter(|name| !one.contains(name));
            one.iter().chain(new).cloned().collect()
        };
        Self {
            scope: self.scope.union(&other.scope),
            resources: both(&self.resources, &other.resources),
            claims: both(&self.claims, &other.claims),
            declined: self.declined.clone(),
        }
    }
}

/// The question that a person answers with "Allow", as it stood on the page.
#[derive(Debug)]
pub struct Question<'a> {
    /// What the client asks for.
    pub request: &'a Checked,
    /// What was allowed before.
    pub before: Option<&'a Consent>,
    /// What stood on the page, in words.
    pub shown: &'a Scope,
    /// What of it had a box.
    pub offered: &'a Scope,
}

impl Question<'_> {
    /// Whether the answer still is one: what is to be asked now stood there, and what of it is `optional` had its box.
    /// Another tab, an administrator or a form that was meddled with may have seen to it that not.
    pub fn holds(&self, asked: &Scope, optional: &Scope) -> bool {
        asked.is_within(self.shown) && optional.is_within(self.offered)
    }

    /// What is allowed now by an answer with these boxes ticked, and what is remembered of it. None if nothing of the
    /// scope is left: that is a no. What had no box is allowed with the rest, and a box that was not there is nothing.
    pub fn answered(&self, ticked: &Scope) -> Option<(Consent, Consent)> {
        let Self { request, before, offered, .. } = self;
        let left_out = offered.without(ticked);
        let earlier = before.map(|before| before.declined.without(offered)).unwrap_or_default();
        let declined = earlier.union(&left_out);
        let given = Consent::to(request).without(&declined);
        if given.scope.is_empty() && !request.scope.is_empty() {
            return None;
        }
        let whole = before.map_or_else(|| given.clone(), |before| before.and(&given)).without(&left_out);
        Some((given, Consent { declined, ..whole }))
    }
}

/// Why the person has to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInReason {
    /// Nobody is signed in.
    Nobody,
    /// The client asks for a fresh sign-in.
    Fresh,
    /// Another person than the one signed in is asked for, or wished.
    AnotherPerson,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Show the sign-in page.
    SignIn(SignInReason),
    /// Show the page that makes an account.
    Register,
    /// Show the accounts of this browser.
    ChooseAccount,
    /// Ask the person to allow this.
    Consent {
        /// Scopes that were not allowed before, and those in whose words single claims are asked for; all of them if
        /// the client asks for the question.
        scope: Scope,
        /// Resources that were not allowed before.
        resources: Vec<String>,
        /// Whether something was allowed before.
        more: bool,
    },
    /// Issue the code, for this session.
    Finish(SessionId),
    /// Send the client an error.
    Refuse(Refusal),
}

/// Everything that the decision looks at.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The request.
    pub request: &'a Checked,
    /// Its client.
    pub client: &'a Client,
    /// The sessions of this browser, newest first, whose people may sign in.
    pub sessions: &'a [Session],
    /// What happened so far.
    pub progress: &'a Progress,
    /// What the person of the current session allowed this client before.
    pub consent: Option<&'a Consent>,
    /// Whether people may make accounts here.
    pub registration: SelfRegistration,
    /// Now.
    pub now: Timestamp,
}

/// The session that the request is about, before consent is looked at.
pub fn current_session<'a>(situation: &Situation<'a>) -> Option<&'a Session> {
    let Situation { request, sessions, progress, now, .. } = situation;
    let alive = || sessions.iter().filter(|session| session.is_alive(*now));
    if let Some(id) = progress.session_id {
        return alive().find(|session| session.id == id);
    }
    if progress.another {
        return None;
    }
    match request.subject_hint {
        Some(subject) => alive().find(|session| session.user_id == subject),
        None => alive().next(),
    }
}

/// Whether an account may be made in answer to this request. A new one is nobody whom the request could name.
pub fn may_register(request: &Checked, registration: SelfRegistration) -> bool {
    registration == SelfRegistration::Open && request.subject_hint.is_none() && !request.prompt.none
}

/// Prompt Create §4: the client asks for it, or the person does. Whoever has signed in here, chosen an account or turned
/// to another one has made up their mind.
fn wants_to_register(situation: &Situation<'_>) -> bool {
    let Situation { request, progress, registration, .. } = situation;
    let wants = match progress.wish {
        Some(wish) => wish == Wish::Register,
        None => request.prompt.create && !progress.chosen && !progress.another,
    };
    wants && !progress.signed_in && may_register(request, *registration)
}

/// Decides what comes next.
pub fn next(situation: &Situation<'_>) -> Next {
    let Situation { request, progress, now, .. } = situation;
    if wants_to_register(situation) {
        return Next::Register;
    }
    let silent = request.prompt.none;
    let current = current_session(situation);
    // Core §3.1.2.2: with a hint, the answer is about that person or an error.
    let wrong_person =
        request.subject_hint.is_some_and(|subject| current.is_some_and(|session| session.user_id != subject));
    let alive = situation.sessions.iter().filter(|session| session.is_alive(*now)).count();
    if !progress.chosen && !progress.signed_in && !progress.another {
        // Core §3.1.2.1: asked to choose, the person chooses, also where only one answer will do.
        // So does who was to make an account, or wished to, and does not: nobody goes on with one they did not mean.
        let asked = request.prompt.select_account || request.prompt.create || progress.wish.is_some();
        if asked && !silent && alive > 0 {
            return Next::ChooseAccount;
        }
        if alive > 1 && request.subject_hint.is_none() {
            return if silent { Next::Refuse(Refusal::AccountSelectionRequired) } else { Next::ChooseAccount };
        }
    }
    let Some(session) = current.filter(|_| !wrong_person) else {
        if silent {
            return Next::Refuse(Refusal::LoginRequired);
        }
        let reason = if alive > 0 { SignInReason::AnotherPerson } else { SignInReason::Nobody };
        return Next::SignIn(reason);
    };
    if !progress.signed_in && needs_fresh_sign_in(request, session, *now) {
        return if silent { Next::Refuse(Refusal::LoginRequired) } else { Next::SignIn(SignInReason::Fresh) };
    }
    match missing_consent(situation) {
        Some(_) if silent => Next::Refuse(Refusal::ConsentRequired),
        Some(consent) => consent,
        None => Next::Finish(session.id),
    }
}

/// Core §3.1.2.1: `prompt=login`, and `max_age` seconds since the last sign-in.
fn needs_fresh_sign_in(request: &Checked, session: &Session, now: Timestamp) -> bool {
    let too_old = |age: i64| now.since(session.authentication.at) > age || age == 0;
    request.prompt.login || request.max_age.is_some_and(too_old)
}

fn missing_consent(situation: &Situation<'_>) -> Option<Next> {
    let Situation { request, client, progress, consent, .. } = situation;
    if progress.allowed.is_some() {
        return None;
    }
    let remembered = consent.filter(|_| !request.prompt.consent);
    // `Choice:` (RFC 8252 §8.6, a SHOULD NOT) the administrator's word for a first party stands for native clients too.
    if client.metadata.first_party && !request.prompt.consent {
        return None;
    }
    let all = || Next::Consent { scope: request.scope_in_words(), resources: request.resources.clone(), more: false };
    let Some(remembered) = remembered else { return Some(all()) };
    // RFC 6749 §3.3: a code for nothing of what is asked for helps nobody.
    if !request.scope.is_empty()
        && request.scope.within(&remembered.scope).is_empty()
        && !remembered.declined.is_empty()
    {
        return Some(all());
    }
    let is_new = |claim: &String| !remembered.allows_claim(claim) && !remembered.declines_claim(claim);
    let claims: Vec<String> = request.claims.names().into_iter().filter(is_new).collect();
    let scope = request.scope.without(&remembered.scope).without(&remembered.declined).union(&scope_in_words(&claims));
    let resources: Vec<String> =
        request.resources.iter().filter(|resource| !remembered.resources.contains(resource)).cloned().collect();
    if scope.is_empty() && resources.is_empty() {
        // RFC 8252 §8.6: a client whose identity cannot be known is not let through unseen.
        return asks_each_time(client).then(all);
    }
    Some(Next::Consent { scope, resources, more: true })
}

/// Whether the question comes back each time, whatever was allowed before (RFC 8252 §8.6).
pub fn asks_each_time(client: &Client) -> bool {
    !is_provable(client)
}

/// Whether an answer certainly reaches the client that was meant: it keeps a secret, its redirect URIs are `https`
/// addresses, or an administrator vouched that it is a web application.
fn is_provable(client: &Client) -> bool {
    let https = || client.metadata.redirect_uris.iter().all(|uri| uri.as_str().starts_with("https://"));
    let web = client.metadata.application_type == ApplicationType::Web;
    !client.is_public() || (web && (client.origin == ClientOrigin::Administrator || https()))
}

/// Whether the consent page warns that nobody has vouched for the client.
pub fn is_unverified(client: &Client) -> bool {
    client.origin == ClientOrigin::Dynamic
}
