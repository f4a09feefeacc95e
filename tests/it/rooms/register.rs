//! When a person makes an account: Prompt Create §4.

use chancery::protocol::tenant_settings::SelfRegistration;
use chancery::sign_in::engine::{Notice, Progress, Wish};

use super::engine::{Case, Row, case};
use super::{ALICE, BOB, session};

fn asked(case: &mut Case) {
    case.request.prompt.create = true;
}

fn wished(case: &mut Case) {
    case.progress.wish = Some(Wish::Register);
}

/// One person is signed in and has allowed everything; the tenant is open.
const ROWS: &[Row] = &[
    (
        "closed, and asked for",
        |case| {
            asked(case);
            case.registration = SelfRegistration::Closed;
        },
        "choose",
    ),
    (
        "closed, nobody there",
        |case| {
            asked(case);
            case.registration = SelfRegistration::Closed;
            case.sessions.clear();
        },
        "sign in: Nobody",
    ),
    (
        "closed, and wished",
        |case| {
            wished(case);
            case.registration = SelfRegistration::Closed;
        },
        "choose",
    ),
    (
        "OIDC Core §3.1.2.1 another person is meant",
        |case| {
            wished(case);
            case.sessions.clear();
            case.request.subject_hint = Some(BOB);
        },
        "sign in: Nobody",
    ),
    (
        "OIDC Core §3.1.2.1 no page at all",
        |case| {
            wished(case);
            case.request.prompt.none = true;
        },
        "finish 1",
    ),
    (
        "has made one",
        |case| {
            asked(case);
            case.progress = Progress { session_id: Some(case.sessions[0].id), signed_in: true, ..Progress::default() };
        },
        "finish 1",
    ),
    (
        "has made one, and goes back to the page",
        |case| {
            wished(case);
            case.progress.session_id = Some(case.sessions[0].id);
            case.progress.signed_in = true;
        },
        "finish 1",
    ),
    (
        "has made one; login asks for nothing more",
        |case| {
            asked(case);
            case.request.prompt.login = true;
            case.request.prompt.select_account = true;
            case.progress = Progress { session_id: Some(case.sessions[0].id), signed_in: true, ..Progress::default() };
        },
        "finish 1",
    ),
    (
        "has made one; consent asks",
        |case| {
            asked(case);
            case.request.prompt.consent = true;
            case.progress = Progress { session_id: Some(case.sessions[0].id), signed_in: true, ..Progress::default() };
        },
        "ask all: openid profile []",
    ),
    (
        "turned to another account",
        |case| {
            asked(case);
            case.progress.another = true;
        },
        "sign in: AnotherPerson",
    ),
    (
        "turned to signing in, somebody is there",
        |case| {
            asked(case);
            case.progress.wish = Some(Wish::SignIn);
        },
        "choose",
    ),
    (
        "turned to signing in, nobody is there",
        |case| {
            asked(case);
            case.progress.wish = Some(Wish::SignIn);
            case.sessions.clear();
        },
        "sign in: Nobody",
    ),
    (
        "chose an account instead",
        |case| {
            asked(case);
            case.progress = Progress { session_id: Some(case.sessions[0].id), chosen: true, ..Progress::default() };
        },
        "finish 1",
    ),
    (
        "chose an account instead, and login holds for it",
        |case| {
            asked(case);
            case.request.prompt.login = true;
            case.progress = Progress { session_id: Some(case.sessions[0].id), chosen: true, ..Progress::default() };
        },
        "sign in: Fresh",
    ),
    ("not asked for", |_| (), "finish 1"),
    ("asked for, somebody is there", asked, "register"),
    (
        "asked for, two are there",
        |case| {
            asked(case);
            case.sessions.push(session(2, BOB));
        },
        "register",
    ),
    (
        "asked for, nobody is there",
        |case| {
            asked(case);
            case.sessions.clear();
        },
        "register",
    ),
    (
        "asked for with login",
        |case| {
            asked(case);
            case.request.prompt.login = true;
        },
        "register",
    ),
    (
        "asked for with select_account",
        |case| {
            asked(case);
            case.request.prompt.select_account = true;
        },
        "register",
    ),
    (
        "asked for with max_age",
        |case| {
            asked(case);
            case.request.max_age = Some(0);
        },
        "register",
    ),
    (
        "wished, nobody is there",
        |case| {
            wished(case);
            case.sessions.clear();
        },
        "register",
    ),
    (
        "wished from another account",
        |case| {
            wished(case);
            case.progress.another = true;
        },
        "register",
    ),
];

#[test]
fn prompt_create_section_4_comes_before_all_else() {
    for (rule, change, expected) in ROWS {
        let mut case = case();
        case.registration = SelfRegistration::Open;
        assert_eq!(case.sessions[0].user_id, ALICE);
        change(&mut case);
        assert_eq!(case.next(), *expected, "{rule}");
    }
}

#[test]
fn what_was_wrong_on_one_page_is_not_told_on_the_other() {
    let failed = Progress { wish: Some(Wish::Register), notice: Some(Notice::Busy(1)), ..Progress::default() };
    let mut progress = failed.clone();
    progress.turn_to(Wish::Register);
    assert_eq!(progress, failed, "the same page once more");
    progress.turn_to(Wish::SignIn);
    assert_eq!((progress.wish, progress.notice), (Some(Wish::SignIn), None));
    for wish in [Wish::Register, Wish::SignIn] {
        assert_eq!(Wish::parse(wish.as_str()), Some(wish));
    }
    assert_eq!(Wish::parse("Register"), None);
}
