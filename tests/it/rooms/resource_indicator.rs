//! Resource indicators: RFC 8707 §2.

use chancery::protocol::error_code::ErrorCode;
use chancery::protocol::resource_indicator::{ResourceError, narrow, parse};

use super::{API, refusal};

const REFUSED: &[(&str, &str)] = &[
    ("RFC 8707 §2 relative", "/files"),
    ("RFC 8707 §2 no scheme", "api.example"),
    ("RFC 8707 §2 relative to the scheme", "//api.example/files"),
    ("RFC 8707 §2 empty", ""),
    ("RFC 8707 §2 fragment", "https://api.example/#files"),
    ("RFC 8707 §2 empty fragment", "https://api.example/#"),
    ("RFC 3986 §2 space", "https://api.example/my files"),
    ("RFC 3986 §2 space in front", " https://api.example"),
    ("RFC 3986 §2 line end", "https://api.example\n"),
    ("RFC 3986 §2 NUL", "https://api.example/\0"),
    ("RFC 3986 §2 beyond ASCII", "https://api.example/é"),
    ("RFC 3986 §3.2 no host", "https://"),
];

#[test]
fn a_spoiled_resource_is_refused() {
    for (rule, resource) in REFUSED {
        // A good one beside it does not help.
        let read = parse([API, *resource].into_iter());
        assert_eq!(read, Err(ResourceError::NotAbsolute), "{rule}");
    }
}

#[test]
fn one_resource_or_byte_past_the_limit_is_refused() {
    let many = |count: usize| (0..count).map(|n| format!("urn:example:{n}")).collect::<Vec<_>>();
    let long = |length: usize| vec![format!("urn:{}", "a".repeat(length - 4))];
    for (rule, resources, expected) in [
        ("DS03 one past the limit", many(17), "TooMany"),
        ("DS03 one byte past", long(2049), "NotAbsolute"),
        ("at the limit", many(16), "accepted"),
        ("at the limit in bytes", long(2048), "accepted"),
    ] {
        assert_eq!(refusal(parse(resources.iter().map(String::as_str))), expected, "{rule}");
    }
    assert_eq!(parse(vec![API; 100].into_iter()), Ok(vec![API.to_owned()]), "the same again is no more");
}

#[test]
fn a_resource_is_kept_as_it_was_sent() {
    let sent = [
        "https://API.example:443/a/../b/",
        "https://api.example",
        "https://api.example/",
        "urn:example:files?x=%7e",
        "com.example.api:/x",
    ];
    let read = parse(sent.into_iter()).unwrap();
    assert_eq!(read, sent, "RFC 8707 §2: no normalisation, so four different ones");
    assert_eq!(parse([].into_iter()), Ok(Vec::new()));
}

#[test]
fn a_token_request_stays_within_the_grant() {
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let granted = texts(&[API, "urn:example:files"]);
    for (rule, asked, expected) in [
        ("RT10 another", vec!["https://other.example"], None),
        ("RT10 one of two", vec![API, "https://other.example"], None),
        ("RT10 a slash more", vec!["https://api.example/"], None),
        ("RT10 another case", vec!["https://API.example"], None),
        ("RFC 8707 §2.2 a part", vec!["urn:example:files"], Some(vec!["urn:example:files"])),
        ("RFC 8707 §2.2 all", vec!["urn:example:files", API], Some(vec!["urn:example:files", API])),
        ("RFC 8707 §2.2 none named", vec![], Some(vec![API, "urn:example:files"])),
    ] {
        let expected = expected.map(|list| texts(&list)).ok_or(ResourceError::NotGranted);
        assert_eq!(narrow(texts(&asked), &granted), expected, "{rule}");
    }
    assert_eq!(narrow(texts(&[API]), &[]), Err(ResourceError::NotGranted), "RT10 nothing granted");
    assert_eq!(narrow(Vec::new(), &[]), Ok(Vec::new()));
}

#[test]
fn every_refusal_is_invalid_target() {
    for error in [ResourceError::NotAbsolute, ResourceError::Unknown, ResourceError::NotGranted, ResourceError::TooMany]
    {
        assert_eq!(error.code(), ErrorCode::InvalidTarget, "RFC 8707 §2: {error}");
    }
}
