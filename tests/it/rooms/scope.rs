//! Scopes: RFC 6749 §3.3.

use chancery::protocol::scope::Scope;

use super::{refusal, scope};

const REFUSED: &[(&str, &str, &str)] = &[
    ("RFC 6749 §3.3 quote", "openid \"profile\"", "Character"),
    ("RFC 6749 §3.3 backslash", "openid pro\\file", "Character"),
    ("RFC 6749 §3.3 tab is no space", "openid\tprofile", "Character"),
    ("RFC 6749 §3.3 line end", "openid\nprofile", "Character"),
    ("RFC 6749 §3.3 DEL", "openid\u{7f}", "Character"),
    ("RFC 6749 §3.3 beyond ASCII", "openid é", "Character"),
    ("AR08 no-break space", "openid\u{a0}profile", "Character"),
    ("AR08 NUL", "openid\0", "Character"),
];

#[test]
fn a_spoiled_scope_is_refused() {
    for (rule, text, expected) in REFUSED {
        assert_eq!(refusal(Scope::parse(text)), *expected, "{rule}");
    }
}

#[test]
fn one_byte_or_value_past_the_limit_is_too_long() {
    let values = |count: usize| (0..count).map(|n| format!("s{n} ")).collect::<String>();
    for (rule, text, expected) in [
        ("AR08 one byte past", "s".repeat(4097), "TooLong"),
        ("AR08 10 kB", "s".repeat(10_000), "TooLong"),
        ("DS08 one value past", values(101), "TooLong"),
        ("DS08 5,000 values", values(5000), "TooLong"),
        ("at the limit in bytes", "s".repeat(4096), "accepted"),
        ("at the limit in values", values(100), "accepted"),
        ("one value, again and again", "s ".repeat(2048), "accepted"),
    ] {
        assert_eq!(refusal(Scope::parse(&text)), expected, "{rule}");
    }
}

/// What is read as which tokens.
const READ: &[(&str, &str, &[&str])] = &[
    ("RFC 6749 §3.3", "openid profile", &["openid", "profile"]),
    ("RFC 6749 §3.3 every character", "!#[]~a", &["!#[]~a"]),
    ("RFC 6749 §3.3 case counts", "read READ", &["read", "READ"]),
    ("a double counts once", "read write read", &["read", "write"]),
    ("spaces around and between", "  read   write ", &["read", "write"]),
    ("nothing", "", &[]),
    ("spaces alone", "   ", &[]),
];

#[test]
fn a_scope_is_read_as_a_set_in_its_order() {
    for (rule, text, expected) in READ {
        let read = scope(text);
        assert_eq!(read.tokens().collect::<Vec<_>>(), *expected, "{rule}");
        assert_eq!(read.to_string(), expected.join(" "), "{rule}");
        assert_eq!(read.is_empty(), expected.is_empty(), "{rule}");
    }
}

#[test]
fn sets_are_compared_by_whole_tokens() {
    let (asked, had) = (scope("read write"), scope("write openid reader"));
    assert!(!asked.is_within(&had), "RFC 6749 §6: one token more");
    assert!(!scope("read").is_within(&had), "RFC 6749 §3.3: a token is not its beginning");
    assert!(!scope("WRITE").is_within(&had), "RFC 6749 §3.3: case counts");
    assert!(scope("write").is_within(&had) && scope("").is_within(&had) && had.is_within(&had));
    assert_eq!(asked.within(&had).to_string(), "write");
    assert_eq!(asked.without(&had).to_string(), "read");
    assert_eq!(asked.union(&had).to_string(), "read write openid reader");
    assert_eq!(scope("").union(&scope("")).to_string(), "");
    assert!(asked.contains("read") && !asked.contains("") && !asked.contains("rea"));
}
