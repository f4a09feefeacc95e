//! The `claims` parameter and what is released: OpenID Connect Core §5.4, §5.5.

use chancery::protocol::claims_request::{ClaimsPlace, ClaimsRequest, release, scope_in_words, scope_of};
use serde_json::{Value, json};

use super::{object, refusal, scope};

const REFUSED: &[(&str, &str)] = &[
    ("AR27 empty", ""),
    ("AR27 not JSON", "{"),
    ("AR27 a list", "[]"),
    ("AR27 a text", r#""userinfo""#),
    ("AR27 null", "null"),
    ("AR27 something behind", r#"{"userinfo":{}} x"#),
    ("AR27 a list of claims", r#"{"userinfo":["email"]}"#),
    ("AR27 a part that is a flag", r#"{"id_token":true}"#),
    ("OIDC Core §5.5.1 true", r#"{"userinfo":{"email":true}}"#),
    ("OIDC Core §5.5.1 a text", r#"{"userinfo":{"email":"essential"}}"#),
    ("OIDC Core §5.5.1 a list", r#"{"id_token":{"acr":["1"]}}"#),
    ("OIDC Core §5.5.1 unknown claims too", r#"{"userinfo":{"foo":1}}"#),
    ("RFC 8259 §4 a part twice", r#"{"userinfo":{"email":null},"userinfo":{"name":null}}"#),
    ("RFC 8259 §4 a claim twice", r#"{"userinfo":{"email":null,"email":{"essential":true}}}"#),
    ("RFC 8259 §4 a person twice", r#"{"id_token":{"sub":{"value":"a","value":"b"}}}"#),
    (
        "RFC 8259 §4 a person twice in another spelling",
        r#"{"id_token":{"sub":{"value":"a"},"s\u0075b":{"value":"b"}}}"#,
    ),
    ("RFC 8259 §4 twice where nothing is read", r#"{"x":{"y":1,"y":2}}"#),
    ("AR27 eight levels and one", r#"{"x":[[[[[[[[1]]]]]]]]}"#),
];

#[test]
fn a_spoiled_parameter_is_refused() {
    for (rule, text) in REFUSED {
        assert_eq!(refusal(ClaimsRequest::parse(text)), "ClaimsRequestError", "{rule}");
    }
}

#[test]
fn one_past_a_limit_is_refused() {
    let claims = |count: usize| {
        let claims: serde_json::Map<_, _> = (0..count).map(|n| (format!("c{n}"), Value::Null)).collect();
        json!({"userinfo": claims}).to_string()
    };
    let long = |length: usize| format!(r#"{{"x":"{}"}}"#, "a".repeat(length - 8));
    let deep = |levels: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    for (rule, text, expected) in [
        ("AR27 one claim past", claims(65), "ClaimsRequestError"),
        ("AR27 one byte past", long(4097), "ClaimsRequestError"),
        ("AR27 deep", deep(2000), "ClaimsRequestError"),
        ("DS01 as deep as it may be long", "[".repeat(4096), "ClaimsRequestError"),
        ("at the limit of claims", claims(64), "accepted"),
        ("at the limit of bytes", long(4096), "accepted"),
    ] {
        assert_eq!(refusal(ClaimsRequest::parse(&text)), expected, "{rule}");
    }
}

#[test]
fn what_is_understood_is_kept_and_nothing_else() {
    for (rule, text, userinfo, id_token) in [
        ("OIDC Core §5.5", r#"{"userinfo":{"email":null},"id_token":{"name":{"essential":true}}}"#, "email", "name"),
        ("OIDC Core §5.5 unknown claims", r#"{"userinfo":{"foo":null,"email":{}}}"#, "email", ""),
        ("OIDC Core §5.5 unknown parts", r#"{"access_token":{"email":null},"x":5}"#, "", ""),
        ("OIDC Core §5.5 no claims of a person", r#"{"id_token":{"acr":null,"sub":null}}"#, "", ""),
        ("OI18 nothing beyond the standard", r#"{"userinfo":{"password":null,"roles":{}}}"#, "", ""),
        ("OIDC Core §5.2 another language", r##"{"userinfo":{"name#de":null}}"##, "", ""),
        ("nothing", "{}", "", ""),
    ] {
        let read = ClaimsRequest::parse(text).unwrap();
        assert_eq!(
            (read.userinfo.join(" "), read.id_token.join(" ")),
            (userinfo.to_owned(), id_token.to_owned()),
            "{rule}"
        );
    }
}

#[test]
fn a_person_and_a_time_can_be_asked_for() {
    for (rule, text, subject, auth_time) in [
        ("OIDC Core §5.5.1", r#"{"id_token":{"sub":{"value":"a"}}}"#, Some("a"), false),
        ("OIDC Core §5.5.1 userinfo", r#"{"userinfo":{"sub":{"value":"a"}}}"#, Some("a"), false),
        ("OIDC Core §5.5.1 no value", r#"{"id_token":{"sub":{"essential":true}}}"#, None, false),
        ("OIDC Core §5.5.1 null", r#"{"id_token":{"sub":null}}"#, None, false),
        ("OIDC Core §5.5.1 no text", r#"{"id_token":{"sub":{"value":1}}}"#, None, false),
        ("OIDC Core §5.5.1.1", r#"{"id_token":{"auth_time":{"essential":true}}}"#, None, true),
        ("OIDC Core §5.5.1.1 voluntary", r#"{"id_token":{"auth_time":null}}"#, None, true),
        ("not in userinfo", r#"{"userinfo":{"auth_time":null}}"#, None, false),
    ] {
        let read = ClaimsRequest::parse(text).unwrap();
        assert_eq!((read.subject.as_deref(), read.auth_time), (subject, auth_time), "{rule}");
    }
}

#[test]
fn a_claim_stands_for_its_scope() {
    let text = r#"{"userinfo":{"email":null,"phone_number":null},"id_token":{"birthdate":null,"email_verified":null}}"#;
    let read = ClaimsRequest::parse(text).unwrap();
    assert_eq!(read.names(), ["birthdate", "email", "email_verified", "phone_number"], "each once");
    assert_eq!(scope_in_words(&read.names()).to_string(), "profile email phone");
    let within = read.clone().within(&scope("openid email"));
    assert_eq!(
        (within.userinfo, within.id_token),
        (vec!["email".to_owned()], vec!["email_verified".to_owned()]),
        "OI18"
    );
    let within = read.within(&scope("openid"));
    assert!(within.names().is_empty() && scope_in_words(&within.names()).is_empty(), "OI18");
    assert_eq!((scope_of("phone_number_verified"), scope_of("sub"), scope_of("Email")), (Some("phone"), None, None));
}

/// Scope, names in userinfo, names in the ID token, and what userinfo and the ID token show.
const RELEASED: &[(&str, &str, &[&str], &[&str], &str, &str)] = &[
    ("OIDC Core §5.4 openid alone", "openid", &[], &[], "", ""),
    ("OIDC Core §5.4 email", "openid email", &[], &[], "email,email_verified", ""),
    ("OIDC Core §5.4 profile", "profile", &[], &[], "locale,name", ""),
    ("OI18 by name in userinfo", "openid", &["name"], &[], "name", ""),
    ("OI18 by name in the ID token", "openid", &[], &["email"], "", "email"),
    ("OIDC Core §5.5 the named one alone", "openid", &["email"], &["name"], "email", "name"),
    (
        "OIDC Core §5.4 not into the ID token",
        "openid email",
        &["name"],
        &["locale"],
        "email,email_verified,name",
        "locale",
    ),
    ("OI18 nothing else that is known", "openid password roles", &["password"], &["roles"], "", ""),
    ("OIDC Core §5.3.2 null is left out", "phone", &["phone_number"], &["phone_number"], "", ""),
    ("a claim that nobody knows", "address", &["address"], &[], "", ""),
];

#[test]
fn only_what_was_asked_for_is_released() {
    let known = object(json!({"name": "Alice", "locale": "de", "email": "a@b.example", "email_verified": false,
        "phone_number": null, "password": "x", "roles": ["admin"], "sub": "other"}));
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    for (rule, allowed, userinfo, id_token, at_userinfo, in_id_token) in RELEASED {
        let request =
            ClaimsRequest { userinfo: texts(userinfo), id_token: texts(id_token), ..ClaimsRequest::default() };
        let shown = |place| {
            let released = release(&known, &scope(allowed), &request, place);
            assert!(released.iter().all(|(name, value)| known.get(name) == Some(value)), "{rule}");
            let mut names: Vec<_> = released.into_iter().map(|(name, _)| name).collect();
            names.sort();
            names.join(",")
        };
        assert_eq!(shown(ClaimsPlace::Userinfo), *at_userinfo, "{rule}");
        assert_eq!(shown(ClaimsPlace::IdToken), *in_id_token, "{rule}");
    }
}
