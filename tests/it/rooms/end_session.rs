//! RP-initiated logout: OpenID Connect RP-Initiated Logout 1.0 §2, §3.

use chancery::protocol::client::Client;
use chancery::protocol::end_session::{EndSessionError, EndSessionRequest, client_of, return_address, with_state};
use chancery::protocol::id_token::IdTokenHint;
use chancery::protocol::params::Params;
use chancery::protocol::redirect_uri::{ApplicationType, RedirectUri};
use serde_json::{Value, json};

use super::{ALICE, ISSUER, client, object, params, refusal};

const GOOD: &str = "id_token_hint=verified&client_id=app&state=xyz\
    &post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye";

fn request(query: &str) -> Result<EndSessionRequest, EndSessionError> {
    EndSessionRequest::parse(&Params::parse_leniently(query.as_bytes()).unwrap())
}

fn hint(audience: Value) -> Option<IdTokenHint> {
    IdTokenHint::from_claims(&object(json!({"iss": ISSUER, "sub": ALICE, "aud": audience})), ISSUER)
}

#[test]
fn a_malformed_request_is_refused() {
    let state = |length: usize| format!("state={}", "a".repeat(length));
    for (rule, query, expected) in [
        ("RFC 6749 §3.1 twice", format!("{GOOD}&state=abc"), "Malformed"),
        ("LO01 two addresses", format!("{GOOD}&post_logout_redirect_uri=https://evil.example"), "Malformed"),
        ("LO03 two clients", format!("{GOOD}&client_id=eve"), "Malformed"),
        ("LO06 state one past the limit", state(2049), "Malformed"),
        ("LO06 state at the limit", state(2048), "accepted"),
        ("all of it", GOOD.to_owned(), "accepted"),
        ("nothing", String::new(), "accepted"),
    ] {
        assert_eq!(refusal(request(&query)), expected, "{rule}");
    }
}

#[test]
fn the_client_is_the_one_that_hint_and_name_agree_on() {
    let unreadable = hint(json!(5));
    assert!(unreadable.is_none());
    for (rule, query, hint, expected) in [
        ("LO05 hint not ours", GOOD, None, Err(EndSessionError::Hint)),
        ("LO05 hint of no one", "id_token_hint=x", unreadable, Err(EndSessionError::Hint)),
        ("LO03 hint of another client", GOOD, hint(json!("eve")), Err(EndSessionError::OtherClient)),
        ("LO03 hint for nobody", GOOD, hint(json!([])), Err(EndSessionError::OtherClient)),
        ("LO03 case", GOOD, hint(json!("App")), Err(EndSessionError::OtherClient)),
        ("both agree", GOOD, hint(json!("app")), Ok(Some("app"))),
        ("one of the audience", GOOD, hint(json!(["eve", "app"])), Ok(Some("app"))),
        ("the hint alone", "id_token_hint=x", hint(json!(["app", "eve"])), Ok(Some("app"))),
        ("the name alone", "client_id=app", None, Ok(Some("app"))),
        ("a hint that did not come", "client_id=app", hint(json!("eve")), Ok(Some("app"))),
        ("nothing", "state=x", None, Ok(None)),
        ("a hint for nobody", "id_token_hint=x", hint(json!([])), Ok(None)),
    ] {
        let found = client_of(&request(query).unwrap(), hint.as_ref());
        assert_eq!(found, expected.map(|client| client.map(str::to_owned)), "{rule}");
    }
    let foreign = object(json!({"iss": "https://id.example/t/other", "sub": ALICE, "aud": "app"}));
    assert!(IdTokenHint::from_claims(&foreign, ISSUER).is_none(), "LO15 another tenant");
}

fn address(asked: &str, client: Option<&Client>) -> Result<Option<String>, EndSessionError> {
    let request =
        EndSessionRequest { post_logout_redirect_uri: Some(asked.to_owned()), ..EndSessionRequest::default() };
    Ok(return_address(&request, client)?.map(|uri| uri.to_string()))
}

#[test]
fn only_a_registered_address_is_gone_back_to() {
    let web = client(json!({}));
    for (rule, asked) in [
        ("LO01 another host", "https://evil.example/bye"),
        ("LO01 slash more", "https://app.example/bye/"),
        ("LO01 query more", "https://app.example/bye?x=1"),
        ("LO01 case of the host", "https://APP.example/bye"),
        ("LO01 the usual port", "https://app.example:443/bye"),
        ("LO01 user name", "https://app.example@evil.example/bye"),
        ("LO01 a redirect URI is no such address", "https://app.example/cb"),
        ("LO01 relative", "/bye"),
        ("LO01 script", "javascript:alert(1)"),
        ("LO01 empty", ""),
    ] {
        assert_eq!(address(asked, Some(&web)), Err(EndSessionError::Unregistered), "{rule}");
    }
    let good = "https://app.example/bye";
    assert_eq!(address(good, None), Err(EndSessionError::NoClient), "LO01 nobody says whose it is");
    let none = client(json!({"post_logout_redirect_uris": []}));
    assert_eq!(address(good, Some(&none)), Err(EndSessionError::Unregistered), "LO01 none registered");
    assert_eq!(address(good, Some(&web)), Ok(Some(good.to_owned())));
    let unasked = return_address(&EndSessionRequest::parse(&params("state=x")).unwrap(), Some(&web));
    assert_eq!(unasked, Ok(None), "nobody asked");
}

#[test]
fn an_address_of_a_native_client_is_exact_too() {
    let native = client(json!({"application_type": "native", "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "post_logout_redirect_uris": ["http://127.0.0.1/bye", "com.example.app:/bye"]}));
    for (rule, asked, expected) in [
        ("private use", "com.example.app:/bye", true),
        ("as it was registered", "http://127.0.0.1/bye", true),
        ("LO01 another path", "http://127.0.0.1/bye2", false),
        // RP-Initiated Logout §3 wants an exact match; the freedom of RFC 8252 §7.3 is for redirect URIs.
        ("LO01 another port", "http://127.0.0.1:5000/bye", false),
    ] {
        assert_eq!(address(asked, Some(&native)).is_ok(), expected, "{rule}");
    }
}

#[test]
fn the_state_goes_along_encoded() {
    let uri = |text: &str| RedirectUri::register(text, ApplicationType::Native).unwrap();
    for (rule, address, state, expected) in [
        ("none", "https://app.example/bye", None, "https://app.example/bye"),
        ("LO06", "https://app.example/bye", Some("xyz"), "https://app.example/bye?state=xyz"),
        ("a query stays", "https://app.example/bye?a=b", Some("xyz"), "https://app.example/bye?a=b&state=xyz"),
        ("private use", "com.example.app:/bye", Some("xyz"), "com.example.app:/bye?state=xyz"),
        ("LO06 parameters", "https://a.example", Some("x&a=b#c"), "https://a.example?state=x%26a%3Db%23c"),
        ("LO06 line ends", "https://a.example", Some("a\r\nb"), "https://a.example?state=a%0D%0Ab"),
        ("LO06 plus and space", "https://a.example", Some("a+b c"), "https://a.example?state=a%2Bb%20c"),
        ("LO06 beyond ASCII", "https://a.example", Some("é"), "https://a.example?state=%C3%A9"),
    ] {
        assert_eq!(with_state(&uri(address), state), expected, "{rule}");
    }
}
