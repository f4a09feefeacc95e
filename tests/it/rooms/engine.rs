//! What comes next in a sign-in: OpenID Connect Core §3.1.2, RFC 8252 §8.6.

use chancery::protocol::authorization_request::Checked;
use chancery::protocol::client::{Client, ClientOrigin};
use chancery::protocol::identifiers::SessionId;
use chancery::protocol::tenant_settings::SelfRegistration;
use chancery::sign_in::engine::{Consent, Next, Progress, Situation, is_unverified, next};
use chancery::sign_in::session::Session;
use serde_json::json;
use uuid::Uuid;

use super::{ALICE, API, BOB, NOW, authentication_at, checked, client, native_app, scope, session};

/// One person is signed in and has allowed everything before: the code can be issued at once.
pub(super) struct Case {
    pub(super) request: Checked,
    pub(super) client: Client,
    pub(super) sessions: Vec<Session>,
    pub(super) progress: Progress,
    pub(super) consent: Option<Consent>,
    pub(super) registration: SelfRegistration,
}

pub(super) fn case() -> Case {
    Case {
        request: checked(),
        client: client(json!({})),
        sessions: vec![session(1, ALICE)],
        progress: Progress::default(),
        consent: Some(Consent { scope: scope("openid profile"), ..Consent::default() }),
        registration: SelfRegistration::Closed,
    }
}

impl Case {
    /// What comes next, in a few words.
    pub(super) fn next(&self) -> String {
        let Case { request, client, sessions, progress, consent, registration } = self;
        let consent = consent.as_ref();
        match next(&Situation { request, client, sessions, progress, consent, registration: *registration, now: NOW }) {
            Next::SignIn(reason) => format!("sign in: {reason:?}"),
            Next::Register => "register".to_owned(),
            Next::ChooseAccount => "choose".to_owned(),
            Next::Consent { scope, resources, more } => {
                format!("ask {}: {scope} [{}]", if more { "more" } else { "all" }, resources.join(" "))
            }
            Next::Finish(session) => format!("finish {}", session.0.as_u128()),
            Next::Refuse(refusal) => format!("refuse {}", refusal.code().as_str()),
        }
    }

    fn two_people(&mut self) {
        self.sessions.push(session(2, BOB));
    }

    fn goes_on_with(&mut self, number: u128) {
        self.progress.session_id = Some(SessionId(Uuid::from_u128(number)));
    }

    fn chose(&mut self, number: u128) {
        self.goes_on_with(number);
        self.progress.chosen = true;
    }

    fn signed_in(&mut self, number: u128) {
        self.goes_on_with(number);
        self.progress.signed_in = true;
    }

    fn last_signed_in(&mut self, seconds_ago: i64) {
        for session in &mut self.sessions {
            session.authentication = authentication_at(NOW.plus(-seconds_ago));
        }
    }
}

pub(super) type Row = (&'static str, fn(&mut Case), &'static str);

pub(super) fn all_come_to_what_they_must(rows: &[Row]) {
    for (rule, change, expected) in rows {
        let mut case = case();
        change(&mut case);
        assert_eq!(case.next(), *expected, "{rule}");
    }
}

/// `prompt=none`: an error instead of any page.
const SILENT: &[Row] = &[
    ("OI01 nobody", |case| case.sessions.clear(), "refuse login_required"),
    ("OI01 consent", |case| case.consent = None, "refuse consent_required"),
    ("OI01 more than was allowed", |case| case.request.resources.push(API.to_owned()), "refuse consent_required"),
    ("OI01 two people", Case::two_people, "refuse account_selection_required"),
    ("OI01 max_age=0", |case| case.request.max_age = Some(0), "refuse login_required"),
    ("OI01 too long ago", |case| case.request.max_age = Some(59), "refuse login_required"),
    ("OI08 another person", |case| case.request.subject_hint = Some(BOB), "refuse login_required"),
    ("OI01 session over", |case| case.sessions[0].expires_at = NOW, "refuse login_required"),
    ("CN02 nobody can tell which application asks", |case| case.client = native_app(), "refuse consent_required"),
    (
        "OI08 the right one of two",
        |case| {
            case.two_people();
            case.request.subject_hint = Some(BOB);
        },
        "finish 2",
    ),
    (
        "OI01 one of two sessions is over",
        |case| {
            case.two_people();
            case.sessions[0].idle_expires_at = NOW;
        },
        "finish 2",
    ),
    (
        "first party",
        |case| {
            case.client = client(json!({"first_party": true}));
            case.consent = None;
        },
        "finish 1",
    ),
    ("OI01 nothing to ask", |_| (), "finish 1"),
];

#[test]
fn without_pages_it_is_the_code_or_an_error() {
    for (rule, change, expected) in SILENT {
        let mut case = case();
        case.request.prompt.none = true;
        change(&mut case);
        assert_eq!(case.next(), *expected, "{rule}");
    }
}

/// Who has to sign in, and why.
const SIGN_IN: &[Row] = &[
    ("nobody", |case| case.sessions.clear(), "sign in: Nobody"),
    ("LO01 signed out", |case| case.sessions[0].ended_at = Some(NOW.plus(-1)), "sign in: Nobody"),
    ("CN07 idle now", |case| case.sessions[0].idle_expires_at = NOW, "sign in: Nobody"),
    ("RF06 ends now", |case| case.sessions[0].expires_at = NOW, "sign in: Nobody"),
    ("CN07 the last second", |case| case.sessions[0].idle_expires_at = NOW.plus(1), "finish 1"),
    ("RF06 the last second", |case| case.sessions[0].expires_at = NOW.plus(1), "finish 1"),
    ("OI04 prompt=login", |case| case.request.prompt.login = true, "sign in: Fresh"),
    ("OI04 max_age=0", |case| case.request.max_age = Some(0), "sign in: Fresh"),
    (
        "OI04 max_age=0 in the second of the sign-in",
        |case| {
            case.last_signed_in(0);
            case.request.max_age = Some(0);
        },
        "sign in: Fresh",
    ),
    ("OI04 one second too old", |case| case.request.max_age = Some(59), "sign in: Fresh"),
    ("OIDC Core §3.1.2.1 exactly as old", |case| case.request.max_age = Some(60), "finish 1"),
    ("OIDC Core §3.1.2.1 no end", |case| case.request.max_age = Some(i64::MAX), "finish 1"),
    (
        "OI04 a chosen account has not signed in",
        |case| {
            case.request.prompt.login = true;
            case.chose(1);
        },
        "sign in: Fresh",
    ),
    (
        "OI04 a session that was taken up has not signed in",
        |case| {
            case.request.max_age = Some(0);
            case.goes_on_with(1);
        },
        "sign in: Fresh",
    ),
    (
        "OI04 signed in here",
        |case| {
            case.request.prompt.login = true;
            case.request.max_age = Some(0);
            case.signed_in(1);
        },
        "finish 1",
    ),
    ("OI08 another person", |case| case.request.subject_hint = Some(BOB), "sign in: AnotherPerson"),
    (
        "OI08 another person signed in",
        |case| {
            case.request.subject_hint = Some(BOB);
            case.signed_in(1);
        },
        "sign in: AnotherPerson",
    ),
    (
        "OI08 another person was chosen",
        |case| {
            case.two_people();
            case.request.subject_hint = Some(BOB);
            case.chose(1);
        },
        "sign in: AnotherPerson",
    ),
    (
        "OI08 nobody is there",
        |case| {
            case.request.subject_hint = Some(BOB);
            case.sessions.clear();
        },
        "sign in: Nobody",
    ),
    ("OI08 that person", |case| case.request.subject_hint = Some(ALICE), "finish 1"),
    ("LU18 another account is wished", |case| case.progress.another = true, "sign in: AnotherPerson"),
    (
        "LU18 another account, of two",
        |case| {
            case.two_people();
            case.progress.another = true;
        },
        "sign in: AnotherPerson",
    ),
    (
        "LU18 the chosen session is over, and no other takes its place",
        |case| {
            case.two_people();
            case.chose(1);
            case.sessions[0].ended_at = Some(NOW);
        },
        "sign in: AnotherPerson",
    ),
    ("LO16 a session of another browser", |case| case.chose(7), "sign in: AnotherPerson"),
];

#[test]
fn a_person_signs_in_when_it_must_be() {
    all_come_to_what_they_must(SIGN_IN);
}

/// Among whom the person chooses.
const ACCOUNTS: &[Row] = &[
    ("OIDC Core §3.1.2.1 two people", Case::two_people, "choose"),
    ("OIDC Core §3.1.2.1 select_account", |case| case.request.prompt.select_account = true, "choose"),
    (
        "OIDC Core §3.1.2.1 select_account of two",
        |case| {
            case.two_people();
            case.request.prompt.select_account = true;
        },
        "choose",
    ),
    (
        "OIDC Core §3.1.2.1 select_account before login",
        |case| {
            case.request.prompt.select_account = true;
            case.request.prompt.login = true;
        },
        "choose",
    ),
    (
        "OIDC Core §3.1.2.1 select_account, then login",
        |case| {
            case.request.prompt.select_account = true;
            case.request.prompt.login = true;
            case.chose(1);
        },
        "sign in: Fresh",
    ),
    (
        "OIDC Core §3.1.2.1 select_account, though it is known who is meant",
        |case| {
            case.request.prompt.select_account = true;
            case.request.subject_hint = Some(ALICE);
        },
        "choose",
    ),
    (
        "OI08 select_account, and another person is meant",
        |case| {
            case.request.prompt.select_account = true;
            case.request.subject_hint = Some(BOB);
        },
        "choose",
    ),
    (
        "OI08 select_account, and not the one who is meant was chosen",
        |case| {
            case.two_people();
            case.request.prompt.select_account = true;
            case.request.subject_hint = Some(ALICE);
            case.chose(2);
        },
        "sign in: AnotherPerson",
    ),
    (
        "OIDC Core §3.1.2.1 select_account, and the one who is meant was chosen",
        |case| {
            case.two_people();
            case.request.prompt.select_account = true;
            case.request.subject_hint = Some(BOB);
            case.chose(2);
        },
        "finish 2",
    ),
    (
        "OIDC Core §3.1.2.1 two people and it is known who is meant",
        |case| {
            case.two_people();
            case.request.subject_hint = Some(BOB);
        },
        "finish 2",
    ),
    (
        "OIDC Core §3.1.2.1 select_account and nobody there",
        |case| {
            case.request.prompt.select_account = true;
            case.sessions.clear();
        },
        "sign in: Nobody",
    ),
    (
        "LU18 the chosen one of two",
        |case| {
            case.two_people();
            case.request.prompt.select_account = true;
            case.chose(2);
        },
        "finish 2",
    ),
    (
        "LU18 the one of two who signed in",
        |case| {
            case.two_people();
            case.signed_in(2);
        },
        "finish 2",
    ),
    (
        "LO16 one of two signed out",
        |case| {
            case.two_people();
            case.sessions[0].ended_at = Some(NOW);
        },
        "finish 2",
    ),
    (
        "LU18 the wish for another account ends with a sign-in",
        |case| {
            case.two_people();
            case.progress.another = true;
            case.signed_in(2);
        },
        "finish 2",
    ),
];

#[test]
fn a_person_chooses_when_there_is_a_choice() {
    all_come_to_what_they_must(ACCOUNTS);
}

#[test]
fn the_sign_in_comes_before_the_question() {
    all_come_to_what_they_must(&[
        (
            "CN07 a fresh sign-in first",
            |case| {
                case.consent = None;
                case.request.prompt.login = true;
            },
            "sign in: Fresh",
        ),
        (
            "CN07 what was allowed does not sign anybody in",
            |case| {
                case.progress.allowed = Some(scope("openid profile"));
                case.sessions.clear();
            },
            "sign in: Nobody",
        ),
        (
            "a first party has to sign people in too",
            |case| {
                case.client = client(json!({"first_party": true}));
                case.sessions.clear();
            },
            "sign in: Nobody",
        ),
        (
            "the question after the sign-in",
            |case| {
                case.consent = None;
                case.request.prompt.login = true;
                case.signed_in(1);
            },
            "ask all: openid profile []",
        ),
    ]);
}

#[test]
fn a_client_that_made_itself_is_marked() {
    let mut client = client(json!({}));
    assert!(!is_unverified(&client));
    client.origin = ClientOrigin::Dynamic;
    assert!(is_unverified(&client), "DC10");
}

#[test]
fn a_session_is_renewed_seldom() {
    let mut session = session(1, ALICE);
    for (ago, renew) in [(0, false), (299, false), (300, true), (-1, false)] {
        session.last_seen_at = NOW.plus(-ago);
        assert_eq!(session.wants_renewal(NOW), renew, "{ago} seconds ago");
    }
}
