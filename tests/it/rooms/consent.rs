//! What a person is asked to allow, and what counts as allowed: OpenID Connect Core §3.1.2.4, §5.5; RFC 8252 §8.6.

use chancery::protocol::claims_request::ClaimsRequest;
use chancery::protocol::client::{Client, ClientOrigin};
use chancery::sign_in::engine::{Consent, Question};
use serde_json::json;

use super::engine::{Case, Row, all_come_to_what_they_must, case};
use super::{API, client, native_app, scope};

fn consent(text: &str) -> Consent {
    Consent { scope: scope(text), ..Consent::default() }
}

fn asks_by_name(case: &mut Case, names: &[&str]) {
    case.request.claims =
        ClaimsRequest { id_token: names.iter().map(ToString::to_string).collect(), ..ClaimsRequest::default() };
}

#[test]
fn what_is_allowed_is_what_was_asked_for_and_nothing_that_covers_it() {
    let mut case = case();
    asks_by_name(&mut case, &["email"]);
    case.request.resources = vec![API.to_owned()];
    let given = Consent::to(&case.request);
    assert_eq!(given.scope.to_string(), "openid profile", "OIDC Core §5.5: the scope does not grow");
    assert_eq!(
        (given.claims.as_slice(), given.resources.as_slice()),
        (&["email".to_owned()][..], &[API.to_owned()][..])
    );
    for (rule, claim, allowed) in [
        ("OIDC Core §5.5 beside it", "email_verified", false),
        ("OIDC Core §5.5 of no scope", "sub", false),
        ("OIDC Core §5.5 case", "Email", false),
        ("OIDC Core §5.5 by name", "email", true),
        ("OIDC Core §5.4 by scope", "locale", true),
    ] {
        assert_eq!(given.allows_claim(claim), allowed, "{rule}");
    }
    let before = Consent { claims: vec!["phone_number".to_owned(), "email".to_owned()], ..consent("address openid") };
    let whole = before.and(&given);
    assert_eq!(whole.scope.to_string(), "address openid profile");
    assert_eq!((whole.claims.join(" "), whole.resources.len()), ("phone_number email".to_owned(), 1));
}

fn public_web(uris: &[&str]) -> Client {
    client(json!({"token_endpoint_auth_method": "none", "application_type": "web", "redirect_uris": uris}))
}

/// What is asked for.
const CONSENT: &[Row] = &[
    ("CN05 nothing allowed before", |case| case.consent = None, "ask all: openid profile []"),
    ("CN05 new scope alone", |case| case.request.scope = scope("openid email profile"), "ask more: email []"),
    ("CN05 new resource alone", |case| case.request.resources.push(API.to_owned()), "ask more:  [https://api.example]"),
    (
        "CN05 one resource known, one new",
        |case| {
            case.consent = Some(Consent { resources: vec![API.to_owned()], ..consent("openid profile") });
            case.request.resources = vec![API.to_owned(), "urn:b".to_owned()];
        },
        "ask more:  [urn:b]",
    ),
    ("OI18 a claim by its name", |case| asks_by_name(case, &["email"]), "ask more: email []"),
    (
        "OIDC Core §5.5 a claim beside the one that was allowed",
        |case| {
            asks_by_name(case, &["email", "email_verified", "phone_number"]);
            case.consent = Some(Consent { claims: vec!["email".to_owned()], ..consent("openid profile") });
        },
        "ask more: email phone []",
    ),
    (
        "OIDC Core §5.5 a claim that was allowed is not its scope",
        |case| {
            case.request.scope = scope("openid email");
            case.consent = Some(Consent { claims: vec!["email".to_owned()], ..consent("openid profile") });
        },
        "ask more: email []",
    ),
    (
        "OIDC Core §5.5 a claim of a scope that is new",
        |case| {
            asks_by_name(case, &["email"]);
            case.request.scope = scope("openid email");
        },
        "ask more: email []",
    ),
    (
        "OIDC Core §3.1.2.1 prompt=consent to a claim that was allowed",
        |case| {
            asks_by_name(case, &["email"]);
            case.consent = Some(Consent { claims: vec!["email".to_owned()], ..consent("openid profile") });
            case.request.prompt.consent = true;
        },
        "ask all: openid profile email []",
    ),
    (
        "OIDC Core §5.5 a claim that was allowed by its name",
        |case| {
            asks_by_name(case, &["email"]);
            case.consent = Some(Consent { claims: vec!["email".to_owned()], ..consent("openid profile") });
        },
        "finish 1",
    ),
    (
        "OIDC Core §5.5 a claim of a scope that was allowed",
        |case| {
            asks_by_name(case, &["email"]);
            case.consent = Some(consent("openid profile email"));
        },
        "finish 1",
    ),
    (
        "CN05 offline_access is new too",
        |case| case.request.scope = scope("openid offline_access"),
        "ask more: offline_access []",
    ),
    ("CN05 a row that allows nothing", |case| case.consent = Some(Consent::default()), "ask more: openid profile []"),
    ("OIDC Core §3.1.2.1 prompt=consent", |case| case.request.prompt.consent = true, "ask all: openid profile []"),
    (
        "OIDC Core §3.1.2.1 prompt=consent, something new",
        |case| {
            case.request.prompt.consent = true;
            case.request.resources.push(API.to_owned());
        },
        "ask all: openid profile [https://api.example]",
    ),
    (
        "OIDC Core §3.1.2.1 prompt=consent of a first party",
        |case| {
            case.client = client(json!({"first_party": true}));
            case.request.prompt.consent = true;
        },
        "ask all: openid profile []",
    ),
    (
        "RFC 6749 §3.3 no scope is no consent",
        |case| {
            case.request.scope = scope("");
            case.consent = None;
        },
        "ask all:  []",
    ),
    ("CN02 an application on a device", |case| case.client = native_app(), "ask all: openid profile []"),
    (
        "RFC 8252 §8.6 public, and an administrator says web",
        |case| case.client = public_web(&["https://app.example/cb", "http://localhost/cb"]),
        "finish 1",
    ),
    (
        "CN02 native on https",
        |case| case.client = client(json!({"application_type": "native", "token_endpoint_auth_method": "none"})),
        "ask all: openid profile []",
    ),
    (
        "CN02 something new",
        |case| {
            case.client = native_app();
            case.request.scope = scope("openid email");
        },
        "ask more: email []",
    ),
    (
        "CN02 asked once in one attempt",
        |case| {
            case.client = native_app();
            case.progress.allowed = Some(scope("openid profile"));
        },
        "finish 1",
    ),
    ("RFC 8252 §8.6 public on https", |case| case.client = public_web(&["https://app.example/cb"]), "finish 1"),
    (
        "RFC 8252 §8.6 a device that keeps a secret",
        |case| case.client = client(json!({"application_type": "native"})),
        "finish 1",
    ),
    ("CN05 less than before", |case| case.request.scope = scope("openid"), "finish 1"),
    (
        "prompt=consent, just allowed",
        |case| {
            case.request.prompt.consent = true;
            case.progress.allowed = Some(scope("openid profile"));
        },
        "finish 1",
    ),
    (
        "a first party",
        |case| {
            case.client = client(json!({"first_party": true}));
            case.consent = None;
            case.request.resources.push(API.to_owned());
        },
        "finish 1",
    ),
    ("nothing new", |_| (), "finish 1"),
];

#[test]
fn a_person_is_asked_for_what_is_new() {
    all_come_to_what_they_must(CONSENT);
}

#[test]
fn nobody_vouched_for_a_client_that_calls_itself_a_web_application() {
    let mut case = case();
    case.client = public_web(&["http://localhost/cb"]);
    case.client.origin = ClientOrigin::Dynamic;
    // Any program of the device may wait at that address.
    assert_eq!(case.next(), "ask all: openid profile []", "CN02, RFC 8252 §8.6");
    case.client = public_web(&["https://app.example/cb"]);
    case.client.origin = ClientOrigin::Dynamic;
    assert_eq!(case.next(), "finish 1", "RFC 8252 §8.6: the name of the host vouches");
}

/// Declined before, allowed before, asked for; what comes next.
const DECLINED: &[Row] = &[
    (
        "declined is not asked again",
        |case| declined(case, "openid profile", "email", "openid profile email"),
        "finish 1",
    ),
    (
        "declined, and something new",
        |case| declined(case, "openid", "email", "openid profile email"),
        "ask more: profile []",
    ),
    ("nothing else is left", |case| declined(case, "openid profile", "email", "email"), "ask all: email []"),
    (
        "declined, and asked by its name",
        |case| {
            declined(case, "openid profile", "email", "openid profile");
            asks_by_name(case, &["email"]);
        },
        "finish 1",
    ),
    (
        "OIDC Core §3.1.2.1 prompt=consent",
        |case| {
            declined(case, "openid", "email", "openid email");
            case.request.prompt.consent = true;
        },
        "ask all: openid email []",
    ),
];

fn declined(case: &mut Case, allowed: &str, declined: &str, asked: &str) {
    case.request.scope = scope(asked);
    case.consent = Some(Consent { declined: scope(declined), ..consent(allowed) });
}

#[test]
fn what_was_declined_is_not_asked_for_again_unless_the_client_wants_it() {
    all_come_to_what_they_must(DECLINED);
}

#[test]
fn what_is_unticked_is_left_out_of_what_is_given_and_of_what_is_remembered() {
    // Asked, allowed and declined before, offered, ticked; given, then remembered as allowed and as declined.
    for (rule, asked, before, offered, ticked, expected) in [
        ("all ticked", "openid email", None, "email", "email", Some(("openid email", "openid email", ""))),
        ("none ticked", "openid email", None, "email", "", Some(("openid", "openid", "email"))),
        ("without boxes", "openid profile", None, "", "", Some(("openid profile", "openid profile", ""))),
        ("more than offered", "openid email", None, "email", "email phone", Some(("openid email", "openid email", ""))),
        ("nothing left", "email", None, "email", "", None),
        ("nothing asked for", "", None, "", "", Some(("", "", ""))),
        (
            "allowed before, not shown",
            "openid email profile",
            Some(("openid email", "")),
            "",
            "",
            Some(("openid email profile", "openid email profile", "")),
        ),
        (
            "declined before, not shown",
            "openid email profile",
            Some(("openid", "email")),
            "",
            "",
            Some(("openid profile", "openid profile", "email")),
        ),
        (
            "declined before, ticked now",
            "openid email",
            Some(("openid", "email")),
            "email",
            "email",
            Some(("openid email", "openid email", "")),
        ),
        (
            "allowed before, unticked now",
            "openid email",
            Some(("openid email phone", "")),
            "email",
            "",
            Some(("openid", "openid phone", "email")),
        ),
    ] {
        let mut case = case();
        case.request.scope = scope(asked);
        let before = before.map(|(allowed, declined)| Consent { declined: scope(declined), ..consent(allowed) });
        let (offered, ticked, shown) = (scope(offered), scope(ticked), case.request.scope.clone());
        let question = Question { request: &case.request, before: before.as_ref(), shown: &shown, offered: &offered };
        let answered = question.answered(&ticked);
        let texts =
            answered.map(|(given, whole)| [given.scope, whole.scope, whole.declined].map(|scope| scope.to_string()));
        let expected = expected.map(|(given, whole, declined)| [given, whole, declined].map(str::to_owned));
        assert_eq!(texts, expected, "{rule}");
    }
}

#[test]
fn an_answer_holds_if_the_page_asked_for_what_is_asked_now() {
    let case = case();
    // Shown, offered; asked now, and what of that may be left out now.
    for (rule, shown, offered, asked, optional, expected) in [
        ("another scope", "openid email", "", "openid email profile", "", false),
        ("a box that was not there", "openid email", "", "openid email", "email", false),
        ("nothing shown", "", "", "openid", "", false),
        ("the same", "openid email", "email", "openid email", "email", true),
        ("less", "openid email", "email", "email", "email", true),
        ("nothing any more", "openid email", "email", "", "", true),
        ("a box too many", "openid email", "email", "openid email", "", true),
    ] {
        let (shown, offered) = (scope(shown), scope(offered));
        let question = Question { request: &case.request, before: None, shown: &shown, offered: &offered };
        assert_eq!(question.holds(&scope(asked), &scope(optional)), expected, "{rule}");
    }
}

#[test]
fn what_was_answered_before_is_known_with_its_noes() {
    // Asked for, allowed and declined before; whether all of it was answered, whether the rest goes beyond "openid".
    for (rule, asked, allowed, declined, answered, exceeds) in [
        ("something new", "openid email", "openid", "", false, false),
        ("declined, and something new", "openid email phone", "openid", "email", false, false),
        ("declined", "openid email", "openid", "email", true, false),
        ("allowed", "openid email", "openid email", "", true, true),
    ] {
        let mut case = case();
        case.request.scope = scope(asked);
        let before = Consent { declined: scope(declined), ..consent(allowed) };
        assert_eq!((before.answers(&case.request), before.exceeds(&consent("openid"))), (answered, exceeds), "{rule}");
    }
    let named = Consent { claims: vec!["email".to_owned()], ..consent("openid") };
    assert!(named.exceeds(&consent("openid")), "OIDC Core §5.5: a claim by its name");
    let mut case = case();
    asks_by_name(&mut case, &["email", "email_verified", "name"]);
    for (rule, token, ticked) in
        [("a claim is new", "email", false), ("allowed", "openid", true), ("by scope", "profile", true)]
    {
        let before = Consent { claims: vec!["email".to_owned()], ..consent("openid profile") };
        assert_eq!(before.ticks(&case.request, token), ticked, "{rule}");
    }
}
