//! What a new account must be like.

use chancery::sign_in::new_account::Problem::{
    self, NameInvalid, PasswordLong, PasswordMissing, PasswordShort, UsernameInvalid, UsernameMissing,
};
use chancery::sign_in::new_account::{Wanted, is_strong};

const GOOD: &str = "correct horse battery staple";

fn problems(username: &str, name: &str, password: &str) -> Vec<Problem> {
    Wanted::check(Some(username), Some(name), Some(password)).err().unwrap_or_default()
}

#[test]
fn what_cannot_be_an_account_is_told_field_by_field() {
    let a = |length: usize| "a".repeat(length);
    for (rule, username, name, password, expected) in [
        ("nothing", "", "", "", vec![UsernameMissing, PasswordMissing]),
        ("spaces alone", "  ", " ", GOOD, vec![UsernameMissing]),
        ("a mail address", "eve@acme.example", "", GOOD, vec![UsernameInvalid]),
        ("a space within", "e ve", "", GOOD, vec![UsernameInvalid]),
        ("look-alikes", "\u{430}dmin", "", GOOD, vec![UsernameInvalid]),
        ("hidden", "e\u{200b}ve", "", GOOD, vec![UsernameInvalid]),
        ("one past the longest user name", &a(255), "", GOOD, vec![UsernameInvalid]),
        ("one past the longest name", "eve", &a(101), GOOD, vec![NameInvalid]),
        ("a name that turns text around", "eve", "E\u{202e}ve", GOOD, vec![NameInvalid]),
        ("a control character in a name", "eve", "E\u{7}ve", GOOD, vec![NameInvalid]),
        ("one less than the shortest password", "eve", "", &a(14), vec![PasswordShort]),
        ("the same in characters of several bytes", "eve", "", &"ä".repeat(14), vec![PasswordShort]),
        ("one past the longest password", "eve", "", &a(129), vec![PasswordLong]),
        ("all of it", "e@", "\u{7}", "x", vec![UsernameInvalid, NameInvalid, PasswordShort]),
        ("the longest user name", &a(254), "", GOOD, vec![]),
        ("the longest name", "eve", &a(100), GOOD, vec![]),
        ("the shortest password", "eve", "", &a(15), vec![]),
        ("the longest password", "eve", "", &"ä".repeat(128), vec![]),
        ("letters of any language", "\u{645}\u{62d}\u{645}\u{648}\u{62f}", "", GOOD, vec![]),
    ] {
        assert_eq!(problems(username, name, password), expected, "{rule}");
    }
    assert_eq!(Wanted::check(None, None, None).unwrap_err(), [UsernameMissing, PasswordMissing], "no fields");
}

#[test]
fn the_name_is_trimmed_and_left_out_when_empty_and_the_password_is_neither() {
    let wanted = Wanted::check(Some(" Eve.E "), Some(" Eve  E "), Some("  with spaces around  ")).unwrap();
    assert_eq!((wanted.shown.as_str(), wanted.username.as_str()), ("Eve.E", "eve.e"));
    assert_eq!((wanted.name.as_deref(), wanted.password.as_str()), (Some("Eve  E"), "  with spaces around  "));
    let wanted = Wanted::check(Some("eve"), Some("  "), Some(GOOD)).unwrap();
    assert_eq!(wanted.name, None);
}

#[test]
fn what_is_guessed_first_is_no_password() {
    for (rule, password, context) in [
        ("repeated", "aaaaaaaaaaaaaaa", vec![]),
        ("on the keyboard", "qwertyuiopasdfg", vec![]),
        ("known", "passwordpassword", vec![]),
        ("the user name", "gwendolynharleth", vec!["gwendolynharleth"]),
    ] {
        assert!(!is_strong(password, &context), "{rule}");
    }
    assert!(is_strong(GOOD, &["eve"]));
}
