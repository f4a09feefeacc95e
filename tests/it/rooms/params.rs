//! Request parameters: RFC 6749 §3.1, §3.2 and Appendix B.

use chancery::protocol::params::{Params, ParamsError};

use super::{params, refusal};

/// Spoiled lists, and the refusal.
const REFUSED: &[(&str, &str, &str)] = &[
    ("RFC 6749 §3.1 twice", "code=a&code=b", r#"Repeated("code")"#),
    ("RFC 6749 §3.1 the same", "code=a&code=a", r#"Repeated("code")"#),
    ("RFC 6749 §3.1 thrice", "code=a&b=1&code=b&code=c", r#"Repeated("code")"#),
    ("RFC 6749 §3.1 spelled out", "code=a&c%6Fde=b", r#"Repeated("code")"#),
    ("RFC 6749 §3.1 the first", "a=1&code=a&a=2&code=b", "RepeatedUnknown"),
    ("AR01 state", "state=a&state=b", r#"Repeated("state")"#),
    ("AR01 scope", "scope=a&scope=b", r#"Repeated("scope")"#),
    ("AR01 nonce", "nonce=a&nonce=b", r#"Repeated("nonce")"#),
    ("AR01 response_type", "response_type=a&response_type=a", r#"Repeated("response_type")"#),
    ("RU21", "redirect_uri=a&redirect_uri=b", r#"Repeated("redirect_uri")"#),
    ("CO24 grant_type", "grant_type=a&grant_type=b", r#"Repeated("grant_type")"#),
    ("CA03 client_secret", "client_secret=a&client_secret=b", r#"Repeated("client_secret")"#),
    ("RFC 6749 §3.1 unknown", "foo=1&foo=2", "RepeatedUnknown"),
    ("AR12 no echo of names", "<script>=1&<script>=2", "RepeatedUnknown"),
    ("RFC 8707 §2 resource alone", "Resource=a&Resource=b", "RepeatedUnknown"),
    ("RFC 6749 B not UTF-8", "state=%ff", "NotText"),
    ("RFC 6749 B name not UTF-8", "%ff=state", "NotText"),
    ("RFC 6749 B overlong", "state=%c0%af", "NotText"),
    ("RFC 6749 B half of a pair", "state=%ed%a0%80", "NotText"),
    ("RFC 6749 B cut off", "state=%e2%82", "NotText"),
    ("RU27 NUL", "redirect_uri=https://app.example/cb%00.evil.example", "NotText"),
    ("RU27 NUL as it is", "state=a\0b", "NotText"),
    ("RU27 NUL in a name", "a%00b=1", "NotText"),
];

#[test]
fn a_spoiled_list_is_refused() {
    for (rule, raw, expected) in REFUSED {
        assert_eq!(refusal(Params::parse(raw.as_bytes())), *expected, "{rule}");
    }
    assert_eq!(refusal(Params::parse(b"state=\xff")), "NotText", "RFC 6749 B raw bytes");
}

#[test]
fn one_parameter_past_the_limit_is_too_many() {
    let list = |count: usize| (0..count).map(|n| format!("p{n}=1&")).collect::<String>();
    for (rule, count, expected) in [
        ("DS03 one past the limit", 129, "TooMany"),
        ("DS03 far past it", 100_000, "TooMany"),
        ("at the limit", 128, "accepted"),
        ("nothing", 0, "accepted"),
    ] {
        let raw = list(count);
        assert_eq!(refusal(Params::parse(raw.as_bytes())), expected, "{rule}");
        assert_eq!(refusal(Params::parse_leniently(raw.as_bytes())), expected, "{rule}, leniently");
    }
    // A parameter without a value is read too, so it counts.
    assert_eq!(refusal(Params::parse("a=&".repeat(129).as_bytes())), "TooMany");
}

/// What is read as which value of `state`.
const READ: &[(&str, &str, Option<&str>)] = &[
    ("RFC 6749 §3.1 no value is no parameter", "state=", None),
    ("RFC 6749 §3.1 no equals sign", "state", None),
    ("RFC 6749 §3.1 empty, then one", "state=&state=x", Some("x")),
    ("RFC 6749 §3.1 one, then empty", "state=x&state=&state", Some("x")),
    ("RFC 6749 §3.1 names have a case", "State=a&state=x", Some("x")),
    ("RFC 6749 §3.1 unknown ones are ignored", "foo=bar&state=x&a&=b", Some("x")),
    ("AR02 a name within a name", "xstate=a&state%20=b&state=x", Some("x")),
    ("RFC 6749 B nothing between", "&&state=x&&", Some("x")),
    ("RFC 6749 B plus is a space", "state=a+b", Some("a b")),
    ("RFC 6749 B %2B is a plus", "state=a%2Bb", Some("a+b")),
    ("RFC 6749 B %26 is no end", "state=a%26state=b", Some("a&state=b")),
    ("RFC 6749 B first equals sign", "state=a=b==", Some("a=b==")),
    ("RFC 6749 B UTF-8", "state=%E2%82%ac", Some("€")),
    ("RFC 6749 B not twice decoded", "state=%2541", Some("%41")),
    ("RFC 6749 B a name in escapes", "%73tate=x", Some("x")),
    ("AR11 line ends stay data", "state=a%0d%0ab", Some("a\r\nb")),
    ("RFC 6749 B a semicolon is data", "state=a;state=b", Some("a;state=b")),
    ("nothing at all", "", None),
];

#[test]
fn a_value_is_read_byte_for_byte() {
    for (rule, raw, expected) in READ {
        let read = params(raw);
        assert_eq!(read.get("state"), *expected, "{rule}");
        assert_eq!(read.has("state"), expected.is_some(), "{rule}");
    }
}

#[test]
fn resource_alone_may_come_more_than_once() {
    let read = params("resource=a&state=x&resource=b&resource=&resource=a");
    assert_eq!(read.all("resource").collect::<Vec<_>>(), ["a", "b", "a"], "RFC 8707 §2");
    assert!(read.is_repeated("resource"));
    assert_eq!(read.all("state").count(), 1);
    assert_eq!(read.all("missing").count(), 0);
    let pairs: Vec<_> = read.pairs().collect();
    assert_eq!(pairs[1], ("state", "x"), "the order is kept");
    assert_eq!(pairs.len(), 4, "what is empty is left out");
}

#[test]
fn a_lenient_list_remembers_what_came_twice() {
    let read = Params::parse_leniently(b"state=a&client_id=app&state=b").unwrap();
    assert_eq!(read.refuse_repeated(), Err(ParamsError::Repeated("state")), "RFC 6749 §4.1.2.1");
    assert_eq!((read.is_repeated("state"), read.is_repeated("client_id")), (true, false));
    assert_eq!(read.get("state"), Some("a"));
    let read = Params::parse_leniently(b"state=&state=b").unwrap();
    assert_eq!((read.refuse_repeated(), read.is_repeated("state")), (Ok(()), false));
    // What cannot be read is not remembered but refused.
    assert_eq!(refusal(Params::parse_leniently(b"state=a&scope=%ff")), "NotText");
}
