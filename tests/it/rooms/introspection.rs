//! Token introspection: RFC 7662 §2, RFC 9068 §5.

use chancery::protocol::access_token::{AccessToken, Audience};
use chancery::protocol::grant::Grant;
use chancery::protocol::introspection::{inactive, of_access_token, of_refresh_token};
use chancery::protocol::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{ALICE, API, GRANT, ISSUER, NOW, client_id, grant, object};

fn access_token() -> AccessToken {
    AccessToken {
        iss: ISSUER.to_owned(),
        sub: ALICE.to_string(),
        aud: Audience::Several(vec![API.to_owned(), "files".to_owned()]),
        client_id: client_id("app"),
        iat: NOW.seconds(),
        exp: NOW.seconds() + 600,
        nbf: None,
        jti: "j".to_owned(),
        scope: Some("openid".to_owned()),
        grant_id: Some(GRANT),
        auth_time: Some(NOW.seconds() - 60),
        acr: Some("urn:chancery:acr:one-factor".to_owned()),
        amr: Some(vec!["pwd".to_owned()]),
    }
}

#[test]
fn an_inactive_answer_says_nothing_else() {
    assert_eq!(Value::Object(inactive()), json!({"active": false}), "RFC 7662 §2.2");
}

#[test]
fn an_access_token_is_shown_to_its_client_and_its_audience() {
    for (rule, caller, active) in [
        ("RI08 another client", "eve", false),
        ("RI08 case", "App", false),
        ("RI08 beginning of an audience", "file", false),
        ("RI08 the person", "alice", false),
        ("RFC 7662 §4 its client", "app", true),
        ("RFC 7662 §4 an API", "files", true),
        ("RFC 7662 §4 an API by its address", API, true),
    ] {
        let answer = of_access_token(&access_token(), &client_id(caller));
        assert_eq!(answer["active"], active, "{rule}");
        assert_eq!(answer.len() == 1, !active, "RI08 nothing beside it: {rule}");
    }
    let mut one = access_token();
    one.aud = Audience::One("files".to_owned());
    assert_eq!(of_access_token(&one, &client_id("files"))["active"], true);
    assert_eq!(of_access_token(&one, &client_id("api"))["active"], false, "RI08");
    one.aud = Audience::Several(Vec::new());
    assert_eq!(of_access_token(&one, &client_id("files"))["active"], false, "RI08 no audience");
}

#[test]
fn an_access_token_is_told_whole_but_for_our_own_claim() {
    let expected = json!({
        "active": true,
        "token_type": "Bearer",
        "iss": ISSUER,
        "sub": ALICE,
        "aud": [API, "files"],
        "client_id": "app",
        "iat": 1_800_000_000,
        "exp": 1_800_000_600,
        "jti": "j",
        "scope": "openid",
        "auth_time": 1_799_999_940,
        "acr": "urn:chancery:acr:one-factor",
        "amr": ["pwd"],
    });
    assert_eq!(Value::Object(of_access_token(&access_token(), &client_id("app"))), expected, "RFC 9068 §2.2");

    let of_itself = AccessToken {
        sub: "app".to_owned(),
        aud: Audience::One(ISSUER.to_owned()),
        scope: None,
        grant_id: None,
        auth_time: None,
        acr: None,
        amr: None,
        ..access_token()
    };
    let mut expected = object(expected);
    for name in ["scope", "auth_time", "acr", "amr"] {
        expected.remove(name);
    }
    expected.extend(object(json!({"sub": "app", "aud": ISSUER})));
    assert_eq!(
        of_access_token(&of_itself, &client_id("app")),
        expected,
        "RFC 7662 §2.2: what is not there is not told"
    );
}

type Row = (&'static str, &'static str, fn(&mut Grant), i64);

/// Caller, a spoiled family, and seconds from now.
const HIDDEN: &[Row] = &[
    ("RI08 another client", "eve", |_| (), 0),
    ("RI08 an API", "files", |_| (), 0),
    ("RT12 ended", "app", |grant| grant.revoked_at = Some(NOW), 0),
    ("RT15 idle now", "app", |grant| grant.idle_expires_at = NOW, 0),
    ("RFC 9700 §4.14.2 ends now", "app", |grant| grant.expires_at = NOW, 0),
    ("RT15 the first second after", "app", |_| (), 3600),
];

#[test]
fn a_refresh_token_is_shown_to_its_client_alone_and_while_it_lives() {
    let told = |grant: &Grant, caller: &str, now: Timestamp| of_refresh_token(grant, ISSUER, &client_id(caller), now);
    for (rule, caller, spoil, later) in HIDDEN {
        let mut family = grant();
        spoil(&mut family);
        assert_eq!(told(&family, caller, NOW.plus(*later)), inactive(), "{rule}");
    }
    let expected = json!({
        "active": true,
        "iss": ISSUER,
        "client_id": "app",
        "sub": ALICE,
        "scope": "openid profile offline_access",
        "iat": 1_799_999_990,
        "exp": 1_800_003_600,
    });
    assert_eq!(Value::Object(told(&grant(), "app", NOW)), expected, "RFC 7662 §2.2");
    assert_eq!(told(&grant(), "app", NOW.plus(3599))["active"], true, "RT15 the last second");
    let mut family = grant();
    family.expires_at = NOW.plus(5);
    assert_eq!(told(&family, "app", NOW)["exp"], 1_800_000_005, "whichever comes first");
}
