//! The authorization response: RFC 6749 §4.1.2, Form Post Response Mode §2, RFC 9207 §2.

use chancery::protocol::authorization_response::{Answer, Carried, ResponseMode, ReturnTo, carry, plain_description};
use chancery::protocol::error_code::ErrorCode;
use chancery::protocol::redirect_uri::{ApplicationType, RedirectUri};
use chancery::protocol::secret::Secret;
use url::Url;

use super::ISSUER;

fn return_to(uri: &str, mode: ResponseMode, state: Option<&str>) -> ReturnTo {
    ReturnTo {
        redirect_uri: RedirectUri::register(uri, ApplicationType::Native).unwrap(),
        mode,
        state: state.map(str::to_owned),
    }
}

fn redirect(return_to: &ReturnTo, answer: &Answer<'_>) -> String {
    match carry(return_to, answer, ISSUER) {
        Carried::Redirect(address) => address,
        Carried::Form { action, .. } => panic!("a form to {action}"),
    }
}

const ENCODED_ISSUER: &str = "iss=https%3A%2F%2Fid.example%2Ft%2Facme";

#[test]
fn a_mode_is_known_to_the_letter_or_not_at_all() {
    for (name, mode) in [
        ("", None),
        ("Query", None),
        ("query ", None),
        ("jwt", None),
        ("query.jwt", None),
        ("web_message", None),
        ("query", Some(ResponseMode::Query)),
        ("fragment", Some(ResponseMode::Fragment)),
        ("form_post", Some(ResponseMode::FormPost)),
    ] {
        assert_eq!(ResponseMode::parse(Some(name)), mode, "AR05 {name}");
    }
    assert_eq!(ResponseMode::parse(None), Some(ResponseMode::Query), "Multiple Response Types §2.1");
}

#[test]
fn every_answer_names_the_issuer_and_joins_the_uri_as_it_is() {
    let code = Secret::new("c");
    for (rule, uri, mode, before) in [
        ("RFC 6749 §4.1.2", "https://app.example/cb", ResponseMode::Query, "https://app.example/cb?"),
        (
            "RFC 6749 §3.1.2 a query stays",
            "https://app.example/cb?a=b",
            ResponseMode::Query,
            "https://app.example/cb?a=b&",
        ),
        ("RFC 6749 §3.1.2 an empty one", "https://app.example/cb?", ResponseMode::Query, "https://app.example/cb?"),
        ("RFC 6749 §3.1.2 an open one", "https://app.example?a&", ResponseMode::Query, "https://app.example?a&"),
        ("RU14 nothing is normalised", "HTTPS://APP.example", ResponseMode::Query, "HTTPS://APP.example?"),
        ("RFC 8252 §7.1", "com.example.app:/cb", ResponseMode::Query, "com.example.app:/cb?"),
        (
            "Multiple Response Types §2.1",
            "https://app.example/cb?a=b",
            ResponseMode::Fragment,
            "https://app.example/cb?a=b#",
        ),
    ] {
        let address = redirect(&return_to(uri, mode, None), &Answer::Code(&code));
        assert_eq!(address, format!("{before}code=c&{ENCODED_ISSUER}"), "{rule}");
        let address = redirect(&return_to(uri, mode, Some("s")), &Answer::Error(ErrorCode::AccessDenied, "No"));
        let expected = format!("{before}error=access_denied&error_description=No&state=s&{ENCODED_ISSUER}");
        assert_eq!(address, expected, "AR09 {rule}");
    }
}

#[test]
fn a_form_holds_the_fields_as_they_are() {
    let to = return_to("https://app.example/cb?a=b", ResponseMode::FormPost, Some("\"><b>&+ é"));
    let code = Secret::new("c");
    let Carried::Form { action, fields } = carry(&to, &Answer::Code(&code), ISSUER) else {
        panic!("a redirect");
    };
    assert_eq!(action, "https://app.example/cb?a=b", "Form Post §2");
    let expected = [("code", "c"), ("state", "\"><b>&+ é"), ("iss", ISSUER)];
    assert_eq!(fields, expected.map(|(name, value)| (name, value.to_owned())), "RU31: the page escapes");
}

#[test]
fn a_state_comes_back_byte_for_byte() {
    for (rule, state) in [
        ("AR11 markup", "\"'><script>alert(1)</script>"),
        ("AR11 line ends", "a\r\nLocation: https://evil.example"),
        ("AR11 parameters", "x&code=evil&iss=https://evil.example"),
        ("AR11 fragment", "x#code=evil"),
        ("RFC 6749 B plus and space", "a+b c%20d%"),
        ("RFC 6749 B beyond ASCII", "é€👩 \u{202e}"),
        ("AR11 8 kB", &"=".repeat(8192)),
    ] {
        for mode in [ResponseMode::Query, ResponseMode::Fragment] {
            let to = return_to("https://app.example/cb", mode, Some(state));
            let address = redirect(&to, &Answer::Error(ErrorCode::InvalidScope, "x"));
            assert!(address.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{rule}: {address}");
            assert!(!address.contains(['"', '<', '>', '+']), "{rule}: {address}");
            let url = Url::parse(&address).unwrap();
            let part = if mode == ResponseMode::Query { url.query() } else { url.fragment() };
            let read: Vec<_> = url::form_urlencoded::parse(part.unwrap().as_bytes()).collect();
            let states: Vec<_> = read.iter().filter(|(name, _)| name == "state").collect();
            assert_eq!((states.len(), states[0].1.as_ref(), read.len()), (1, state, 4), "{rule}");
        }
    }
}

#[test]
fn a_description_is_plain_ascii() {
    for (rule, text, plain) in [
        ("RFC 6749 §4.1.2.1 quote", "say \"no\"", "say 'no'"),
        ("RFC 6749 §4.1.2.1 backslash", "a\\b", "a'b"),
        ("RFC 6749 §4.1.2.1 line end", "a\r\nb", "a''b"),
        ("RFC 6749 §4.1.2.1 section sign", "§3.1", "'3.1"),
        ("RFC 6749 §4.1.2.1 DEL", "\u{7f}", "'"),
        ("AR12 direction", "a\u{202e}b", "a'b"),
        ("all that is allowed", " !#[]~azAZ09", " !#[]~azAZ09"),
        ("nothing", "", ""),
    ] {
        assert_eq!(plain_description(text), plain, "{rule}");
        let to = return_to("https://app.example/cb", ResponseMode::FormPost, None);
        let Carried::Form { fields, .. } = carry(&to, &Answer::Error(ErrorCode::ServerError, text), ISSUER) else {
            panic!("a redirect");
        };
        assert_eq!(fields[1], ("error_description", plain.to_owned()), "{rule}");
    }
}
