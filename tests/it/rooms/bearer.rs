//! Bearer tokens: RFC 6750 §2, §3.

use chancery::protocol::bearer::{BearerError, read};
use chancery::protocol::params::Params;

use super::{ISSUER, params};

/// Headers, query, body, and what is read.
const READ: &[(&str, &[&str], Option<&str>, &str, Result<&str, BearerError>)] = &[
    ("RFC 6750 §3.1 nothing", &[], None, "", Err(BearerError::Missing)),
    ("RFC 6750 §3.1 empty parameter", &[], None, "access_token=", Err(BearerError::Missing)),
    ("RFC 6750 §2.1 another scheme", &["Basic YTpi"], None, "", Err(BearerError::Missing)),
    ("RFC 9449 §7.1 DPoP", &["DPoP abc"], None, "", Err(BearerError::Missing)),
    ("RFC 6750 §2 header and body", &["Bearer abc"], None, "access_token=abc", Err(BearerError::Malformed)),
    ("RFC 6750 §2 Basic and body", &["Basic YTpi"], None, "access_token=abc", Err(BearerError::Malformed)),
    ("RFC 6750 §2 two headers", &["Bearer abc", "Bearer abc"], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.3 query", &[], Some("access_token=abc"), "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.3 query and header", &["Bearer abc"], Some("a=b&access_token=abc"), "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.3 no value", &["Bearer abc"], Some("access_token"), "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 the scheme alone", &["Bearer"], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 no token", &["Bearer "], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 two spaces", &["Bearer  abc"], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 tab", &["Bearer\tabc"], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 two tokens", &["Bearer abc def"], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 a list", &["Bearer abc,def"], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 quotes", &["Bearer \"abc\""], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 beyond ASCII", &["Bearer é"], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 empty header", &[""], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.2 a space", &[], None, "access_token=a+b", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1", &["Bearer abc"], None, "", Ok("abc")),
    ("RFC 9110 §11.1 case of the scheme", &["bEARER abc"], None, "", Ok("abc")),
    ("RFC 6750 §2.1 every kind of character", &["Bearer aZ0-._~+/=="], None, "", Ok("aZ0-._~+/==")),
    ("RFC 6750 §2.2", &[], Some("a=b"), "access_token=a%2Bb", Ok("a+b")),
    ("another parameter of the query", &["Bearer abc"], Some("xaccess_token=y"), "", Ok("abc")),
    ("RFC 6750 §2.1 equals signs alone", &["Bearer =="], None, "", Err(BearerError::Malformed)),
    ("RFC 6750 §2.1 equals sign inside", &["Bearer a=b"], None, "", Err(BearerError::Malformed)),
];

#[test]
fn a_token_comes_in_one_place_and_one_form() {
    for (rule, headers, query, body, expected) in READ {
        let body = (!body.is_empty()).then(|| params(body));
        assert_eq!(read(headers, *query, body.as_ref()), *expected, "{rule}");
    }
}

#[test]
fn one_byte_past_the_limit_is_refused() {
    for (length, taken) in [(16 * 1024, true), (16 * 1024 + 1, false)] {
        let header = format!("Bearer {}", "a".repeat(length));
        assert_eq!(read(&[&header], None, None).is_ok(), taken, "DS10 {length}");
    }
    assert_eq!(read(&["Bearer abc"], Some(""), Some(&Params::default())), Ok("abc"), "empty query and body");
}

#[test]
fn a_refusal_says_what_it_must_and_no_more() {
    for (rule, error, status, code) in [
        ("RFC 6750 §3.1 no code", BearerError::Missing, 401, None),
        ("RFC 6750 §3.1", BearerError::Malformed, 400, Some("invalid_request")),
        ("RFC 6750 §3.1", BearerError::Invalid, 401, Some("invalid_token")),
        ("RFC 6750 §3.1", BearerError::Scope("openid"), 403, Some("insufficient_scope")),
    ] {
        assert_eq!((error.status(), error.code().map(|code| code.as_str())), (status, code), "{rule}");
        let challenge = error.challenge(ISSUER);
        assert!(challenge.starts_with(&format!("Bearer realm=\"{ISSUER}\"")), "{challenge}");
        let named = code.map(|code| format!("error=\"{code}\""));
        assert_eq!(named.is_some_and(|named| challenge.contains(&named)), code.is_some(), "{challenge}");
        assert_eq!(challenge.contains("error"), code.is_some(), "{challenge}");
        assert_eq!(challenge.contains("scope=\"openid\""), status == 403, "RFC 6750 §3: {challenge}");
    }
}

#[test]
fn a_challenge_is_plain_ascii() {
    for error in [BearerError::Missing, BearerError::Invalid, BearerError::Scope("openid"), BearerError::Malformed] {
        let challenge = error.challenge(ISSUER);
        let plain = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'\\';
        assert!(challenge.bytes().all(plain), "RFC 6750 §3: {challenge}");
        assert_eq!(challenge.matches('"').count() % 2, 0, "RFC 6750 §3: {challenge}");
    }
}
