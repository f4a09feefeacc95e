//! What people type to say who they are, and the identifiers of clients, tenants and rows.

use chancery::protocol::identifiers::{ClientId, SessionId, Slug, UserId};
use chancery::sign_in::identifier::normalise;

use super::{ALICE, refusal};

/// Spoiled identifiers.
const REFUSED: &[(&str, &str, &str)] = &[
    ("PW16 empty", "", "Length"),
    ("PW16 spaces alone", "  \t\n", "Length"),
    ("PW16 space inside", "ad min", "Character"),
    ("PW16 no-break space", "ad\u{a0}min", "Character"),
    ("PW16 ideographic space", "ad\u{3000}min", "Character"),
    ("PW16 tab", "ad\tmin", "Character"),
    ("PW16 line end", "admin\nroot", "Character"),
    ("PW16 line separator", "admin\u{2028}root", "Character"),
    ("PW16 NUL", "admin\0", "Character"),
    ("PW16 C1 control", "admin\u{85}x", "Character"),
    ("PW16 zero width space", "admin\u{200b}", "Character"),
    ("PW16 zero width joiner", "ad\u{200d}min", "Character"),
    ("PW16 soft hyphen", "ad\u{ad}min", "Character"),
    ("PW16 word joiner", "ad\u{2060}min", "Character"),
    ("PW16 byte order mark", "\u{feff}admin", "Character"),
    ("PW16 override", "nimda\u{202e}", "Character"),
    ("PW16 isolate", "\u{2067}admin\u{2069}", "Character"),
    ("PW16 Cyrillic a", "\u{430}dmin", "MixedScripts"),
    ("PW16 Greek o", "r\u{3bf}ot", "MixedScripts"),
    ("PW16 Cyrillic in an address", "alice@ex\u{430}mple.org", "MixedScripts"),
    ("PW16 Arabic letter mark", "ad\u{61c}min", "Character"),
    ("PW16 Hangul filler", "admin\u{3164}", "Character"),
    ("PW16 Mongolian vowel separator", "ad\u{180e}min", "Character"),
    ("PW16 tag characters", "admin\u{e0061}", "Character"),
    ("PW16 grapheme joiner", "ad\u{34f}min", "Character"),
    ("PW16 variation selector", "admin\u{fe00}", "Character"),
    ("PW16 Armenian o", "r\u{585}ot", "MixedScripts"),
    ("PW16 Cherokee", "\u{13a0}dmin", "MixedScripts"),
    ("PW16 Latin beyond ASCII beside Cyrillic", "\u{e9}\u{430}", "MixedScripts"),
];

#[test]
fn a_spelling_that_deceives_is_refused() {
    for (rule, text, expected) in REFUSED {
        assert_eq!(refusal(normalise(text)), *expected, "{rule}");
    }
}

#[test]
fn spellings_that_look_alike_are_one_or_refused() {
    for (rule, one, other) in [
        ("PW16 composed or not", "andr\u{e9}", "andre\u{301}"),
        ("PW16 mathematical letter", "admin", "\u{1d41a}dmin"),
        ("PW16 ligature", "office", "o\u{fb03}ce"),
        ("PW16 full width letter", "admin", "\u{ff41}dmin"),
        ("PW16 full width alone", "admin", "\u{ff41}\u{ff44}\u{ff4d}\u{ff49}\u{ff4e}"),
    ] {
        let Ok(other) = normalise(other) else { continue };
        assert_eq!(normalise(one), Ok(other), "{rule}");
    }
}

#[test]
fn one_byte_past_the_limit_is_too_long() {
    assert_eq!(refusal(normalise(&"a".repeat(255))), "Length", "PW14");
    assert_eq!(refusal(normalise(&"é".repeat(128))), "Length", "PW14 bytes, not characters");
    assert_eq!(normalise(&"a".repeat(254)), Ok("a".repeat(254)));
    assert_eq!(normalise(&format!("  {}  ", "é".repeat(127))), Ok("é".repeat(127)), "spaces around do not count");
}

#[test]
fn one_form_is_stored_and_looked_for() {
    for (rule, text, expected) in [
        ("PW16 case", "ADMIN", "admin"),
        ("PW16 spaces around", " \u{a0}admin\n", "admin"),
        ("PW16 Kelvin sign", "\u{212a}ate", "kate"),
        ("PW16 case beyond ASCII", "ÄRGER", "ärger"),
        ("an address", "Alice+x@Example.ORG", "alice+x@example.org"),
        ("another script", "АЛИСА", "алиса"),
        ("another script with digits", "алиса7", "алиса7"),
        ("right to left", "أليس", "أليس"),
    ] {
        assert_eq!(normalise(text).as_deref(), Ok(expected), "{rule}");
        assert_eq!(normalise(expected).as_deref(), Ok(expected), "{rule}: again");
    }
}

#[test]
fn the_stored_form_is_within_the_limit_too() {
    // Lower case may be longer.
    let text = "\u{23a}".repeat(127);
    assert_eq!(text.len(), 254);
    let Ok(stored) = normalise(&text) else { return };
    assert_eq!(normalise(&stored), Ok(stored), "PW16 what is stored must be found");
}

#[test]
fn what_is_stored_of_any_character_is_found_again() {
    let again = |c: &char| {
        let Ok(stored) = normalise(&format!("7{c}7")) else { return true };
        normalise(&stored) == Ok(stored)
    };
    // The planes in use; beyond them only the compatibility ideographs change.
    let all = ('\0'..='\u{1ffff}').chain('\u{2f800}'..='\u{2fa1f}');
    let lost: Vec<char> = all.filter(|c| !again(c)).collect();
    // Compatibility forms of marks begin with a space, which is there only after NFKC.
    assert!(lost.is_empty(), "PW16 {} characters, {:?} …", lost.len(), lost.first());
}

#[test]
fn a_client_identifier_is_printable_and_nobodys_subject() {
    for (rule, text) in [
        ("RFC 6749 A.1 empty", String::new()),
        ("RFC 6749 A.1 line end", "app\n".to_owned()),
        ("RFC 6749 A.1 NUL", "app\0".to_owned()),
        ("RFC 6749 A.1 DEL", "app\u{7f}".to_owned()),
        ("RFC 6749 A.1 beyond ASCII", "äpp".to_owned()),
        ("RFC 9068 §5 the subject of a person", ALICE.to_string()),
        ("one past the limit", "a".repeat(256)),
    ] {
        assert_eq!(ClientId::parse(&text), None, "{rule}");
        let row = serde_json::from_value::<ClientId>(text.into());
        assert!(row.is_err(), "{rule}: rows go through the same door");
    }
    for text in ["a", " ", "my app:~", &"a".repeat(255), "https://app.example/client"] {
        assert_eq!(ClientId::parse(text).map(|id| id.to_string()).as_deref(), Some(text));
    }
}

#[test]
fn a_slug_fits_a_label_and_a_path() {
    let long = "a".repeat(64);
    for text in ["", "-", "-a", "a-", "A", "Acme", "a_b", "a.b", "..", "a/b", "a%2fb", "a b", "ä", "a;x", "a\n", &long]
    {
        assert_eq!(Slug::parse(text), None, "TN08 {text:?}");
    }
    for text in ["a", "0", "acme", "a-b-1", "a--b", &long[1..]] {
        assert_eq!(Slug::parse(text).map(|slug| slug.to_string()).as_deref(), Some(text));
    }
}

#[test]
fn a_row_identifier_has_one_spelling() {
    let good = "00000000-0000-4000-8000-00000000000a";
    for text in [
        "",
        "00000000-0000-4000-8000-00000000000A",
        "0000000000004000800000000000000a",
        "{00000000-0000-4000-8000-00000000000a}",
        "urn:uuid:00000000-0000-4000-8000-00000000000a",
        "00000000-0000-4000-8000-00000000000a ",
        "00000000-0000-4000-8000-0000000000",
    ] {
        assert_eq!(UserId::parse(text), None, "TN02 {text:?}");
        assert_eq!(SessionId::parse(text), None, "LO16 {text:?}");
    }
    assert_eq!(UserId::parse(good).unwrap().to_string(), good);
}
