//! The authorization request: RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 7636 §4.3, RFC 8707 §2.1.

use std::sync::Arc;

use chancery::protocol::authorization_request::{Addressed, Checked, PageError, RedirectError, client_id};
use chancery::protocol::authorization_response::ResponseMode;
use chancery::protocol::client::Client;
use chancery::protocol::id_token::IdTokenHint;
use chancery::protocol::params::Params;
use chancery::protocol::prompt::Prompt;
use chancery::protocol::tenant_settings::{SelfRegistration, TenantSettings};
use serde_json::{Value, json};

use super::{ALICE, API, BOB, ISSUER, NOW, QUERY, client, object, refusal, spoil};

fn identify(query: &str, client: Client) -> Result<Addressed, PageError> {
    Addressed::identify(Params::parse_leniently(query.as_bytes()).unwrap(), Arc::new(client))
}

fn check_hinted(query: &str, client: Client, hint: Option<IdTokenHint>) -> Result<Checked, RedirectError> {
    let addressed = identify(query, client).unwrap();
    addressed.check(&TenantSettings::default(), |resource| resource == API, hint, NOW)
}

fn check(query: &str, client: Client) -> Result<Checked, RedirectError> {
    check_hinted(query, client, None)
}

/// Wire code and reason.
fn refused(result: Result<Checked, RedirectError>) -> (&'static str, String) {
    match result {
        Ok(_) => ("", "accepted".to_owned()),
        Err(error) => (error.refusal.code().as_str(), format!("{:?}", error.refusal)),
    }
}

/// Spoiled requests that can be answered by a page alone: from, to, the client's metadata.
const PAGE: &[(&str, &str, &str, &str, &str)] = &[
    ("RU01 another host", "app.example", "evil.example", "{}", "RedirectUriUnknown"),
    ("RU03 slash more", "%2Fcb", "%2Fcb%2F", "{}", "RedirectUriUnknown"),
    ("RU03 case of the path", "%2Fcb", "%2FCB", "{}", "RedirectUriUnknown"),
    ("RU14 case of the host", "app.example", "APP.example", "{}", "RedirectUriUnknown"),
    ("RU15 port", "app.example", "app.example%3A443", "{}", "RedirectUriUnknown"),
    ("RU31 quote", "%2Fcb", "%2Fcb%22%3E", "{}", "RedirectUriUnknown"),
    (
        "RU34 of a sibling",
        "app.example",
        "sibling.example",
        r#"{"post_logout_redirect_uris": ["https://sibling.example/cb"]}"#,
        "RedirectUriUnknown",
    ),
    ("RU32 bad scope too", "app.example%2Fcb&scope=openid", "evil.example&scope=%22", "{}", "RedirectUriUnknown"),
    (
        "RU21 good first",
        "&scope",
        "&redirect_uri=https%3A%2F%2Fevil.example&scope",
        "{}",
        "Params(Repeated(\"redirect_uri\"))",
    ),
    ("RU21 evil first", "&client_id", "&redirect_uri=x&client_id", "{}", "Params(Repeated(\"redirect_uri\"))"),
    ("RU21 the same twice", "&scope", "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope", "{}", "Params(Repeated("),
    ("RU23 OpenID Connect", "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", "", "{}", "RedirectUriMissing"),
    ("RU23 empty", "https%3A%2F%2Fapp.example%2Fcb", "", "{}", "RedirectUriMissing"),
    (
        "RU24 several",
        "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid%20profile",
        "&scope=profile",
        r#"{"redirect_uris": ["https://app.example/cb", "https://app.example/cb2"]}"#,
        "RedirectUriMissing",
    ),
    (
        "RU12 none",
        "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid%20profile",
        "&scope=profile",
        r#"{"redirect_uris": [], "grant_types": ["client_credentials"]}"#,
        "RedirectUriMissing",
    ),
];

#[test]
fn without_a_known_way_back_there_is_no_redirect() {
    for (rule, from, to, metadata, expected) in PAGE {
        let client = client(serde_json::from_str(metadata).unwrap());
        let result = refusal(identify(&spoil(QUERY, from, to), client));
        assert!(result.starts_with(expected), "{rule}: {result}");
    }
    let mut off = client(json!({}));
    off.enabled = false;
    assert_eq!(refusal(identify(QUERY, off)), "UnknownClient", "TN14 switched off");
}

#[test]
fn a_client_is_named_once_and_properly() {
    for (rule, from, to, expected) in [
        ("RU02 missing", "&client_id=app", "", "ClientMissing"),
        ("RU02 empty", "client_id=app", "client_id=", "ClientMissing"),
        ("RFC 6749 §3.1 twice", "client_id=app", "client_id=app&client_id=app", "Params(Repeated(\"client_id\"))"),
        ("RFC 6749 A.1 beyond ASCII", "client_id=app", "client_id=%C3%A9", "UnknownClient"),
        ("RFC 6749 A.1 line end", "client_id=app", "client_id=app%0a", "UnknownClient"),
        ("RFC 9068 §5 a person", "client_id=app", "client_id=00000000-0000-4000-8000-000000000001", "UnknownClient"),
    ] {
        let read = Params::parse_leniently(spoil(QUERY, from, to).as_bytes()).unwrap();
        assert_eq!(refusal(client_id(&read)), expected, "{rule}");
    }
    let long = |length: usize| {
        let query = format!("client_id={}", "a".repeat(length));
        refusal(client_id(&Params::parse_leniently(query.as_bytes()).unwrap()))
    };
    assert_eq!((long(256).as_str(), long(255).as_str()), ("UnknownClient", "accepted"));
}

/// Spoiled requests whose refusal travels back to the client.
const REDIRECT: &[(&str, &str, &str, &str, &str)] = &[
    ("AR01 scope", "&state", "&scope=openid&state", "invalid_request", "Params("),
    ("AR01 nonce", "&state", "&nonce=n-1&state", "invalid_request", "Params("),
    ("AR01 response_type", "&state", "&response_type=code&state", "invalid_request", "Params("),
    ("AR01 unknown", "&state", "&foo=1&foo=2&state", "invalid_request", "Params("),
    ("AR03 missing", "response_type=code&", "", "invalid_request", "ResponseTypeMissing"),
    ("AR03 empty", "response_type=code", "response_type=", "invalid_request", "ResponseTypeMissing"),
    ("AR03 token", "=code&", "=token&", "unsupported_response_type", "ResponseType"),
    ("AR03 hybrid", "=code&", "=code%20id_token&", "unsupported_response_type", "ResponseType"),
    ("AR03 reordered", "=code&", "=id_token%20token&", "unsupported_response_type", "ResponseType"),
    ("AR03 code twice", "=code&", "=code%20code&", "unsupported_response_type", "ResponseType"),
    ("AR03 case", "=code&", "=Code&", "unsupported_response_type", "ResponseType"),
    ("AR03 none", "=code&", "=none&", "unsupported_response_type", "ResponseType"),
    ("AR05 unknown mode", "&state", "&response_mode=jwt&state", "invalid_request", "ResponseMode"),
    ("AR06 web_message", "&state", "&response_mode=web_message&state", "invalid_request", "ResponseMode"),
    ("AR05 case", "&state", "&response_mode=Query&state", "invalid_request", "ResponseMode"),
    ("AR08 quote", "=openid", "=%22openid", "invalid_scope", "Scope("),
    ("AR08 backslash", "=openid", "=%5Copenid", "invalid_scope", "Scope("),
    ("AR08 control character", "=openid", "=openid%0a", "invalid_scope", "Scope("),
    ("RFC 6749 §3.3 nothing it may have", "=openid%20profile", "=admin", "invalid_scope", "Scope("),
    ("RFC 6749 §3.3 case", "=openid%20profile", "=OpenID", "invalid_scope", "Scope("),
    ("RFC 9101 §3 request", "&state", "&request=e30.e30.&state", "request_not_supported", "RequestObject"),
    ("RFC 9101 §3 request_uri", "&state", "&request_uri=urn:x&state", "request_uri_not_supported", "RequestUri"),
    (
        "PK01",
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        "",
        "invalid_request",
        "ProofKey(ChallengeRequired)",
    ),
    ("PK02 plain", "_method=S256", "_method=plain", "invalid_request", "ProofKey(Method)"),
    ("PK02 no method", "&code_challenge_method=S256", "", "invalid_request", "ProofKey(Method)"),
    ("PK07 empty", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "", "invalid_request", "ProofKey(MethodAlone)"),
    ("RFC 7636 §4.2", "E9Melhoa2O", "E9Melhoa2", "invalid_request", "ProofKey(Challenge)"),
    ("RFC 8707 §2 unknown", "&state", "&resource=https://b.example&state", "invalid_target", "Resource(Unknown)"),
    (
        "RFC 8707 §2 one of two",
        "&state",
        "&resource=https://api.example&resource=https://b.example&state",
        "invalid_target",
        "Resource(Unknown)",
    ),
    ("RFC 8707 §2 slash more", "&state", "&resource=https://api.example/&state", "invalid_target", "Resource(Unknown)"),
    ("RFC 8707 §2 fragment", "&state", "&resource=https://api.example%23a&state", "invalid_target", "Resource(NotAbs"),
    ("AR27 not JSON", "&state", "&claims=x&state", "invalid_request", "Value("),
    ("AR27 not an object", "&state", "&claims=[]&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 unknown prompt", "&state", "&prompt=hello&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 case of prompt", "&state", "&prompt=None&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 none+login", "&state", "&prompt=none%20login&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 consent+none", "&state", "&prompt=consent%20none&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 none+select", "&state", "&prompt=none%20select_account&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 max_age sign", "&state", "&max_age=-1&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 max_age plus", "&state", "&max_age=%2B1&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 max_age word", "&state", "&max_age=now&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 max_age fraction", "&state", "&max_age=1.5&state", "invalid_request", "Value("),
    ("OIDC Core §3.1.2.1 max_age long", "&state", "&max_age=12345678901&state", "invalid_request", "Value("),
    ("OI07 hint not ours", "&state", "&id_token_hint=e30.e30.x&state", "invalid_request", "Value("),
    (
        "OIDC Core §5.5.1 nobody of ours",
        "&state",
        "&claims={\"id_token\":{\"sub\":{\"value\":\"eve\"}}}&state",
        "login_required",
        "LoginRequired",
    ),
    ("Prompt Create §4.1", "&state", "&prompt=create&state", "invalid_request", "Value(\"prompt\", \"prompt=create"),
    (
        "Prompt Create §4.1 with another",
        "&state",
        "&prompt=login%20create&state",
        "invalid_request",
        "Value(\"prompt\", \"prompt=create",
    ),
];

#[test]
fn a_spoiled_request_is_refused_to_its_client() {
    for (rule, from, to, code, reason) in REDIRECT {
        let result = refused(check(&spoil(QUERY, from, to), client(json!({}))));
        assert!(result.0 == *code && result.1.starts_with(reason), "{rule}: {result:?}");
    }
}

#[test]
fn an_essential_context_that_nobody_can_reach_is_not_passed_over() {
    const UNMET: &str = "unmet_authentication_requirements";
    for (rule, acr, code) in [
        ("none of several", r#"{"essential":true,"values":["urn:a","urn:b"]}"#, UNMET),
        ("the only one", r#"{"essential":true,"value":"urn:a"}"#, UNMET),
        ("case", r#"{"essential":true,"value":"urn:chancery:acr:One-Factor"}"#, UNMET),
        ("one of several", r#"{"essential":true,"values":["urn:a","urn:chancery:acr:one-factor"]}"#, ""),
        ("whichever", r#"{"essential":true}"#, ""),
        ("voluntary", r#"{"values":["urn:a"]}"#, ""),
        ("said to be voluntary", r#"{"essential":false,"value":"urn:a"}"#, ""),
        ("not at all", "null", ""),
    ] {
        let query = spoil(QUERY, "&state", &format!("&claims={{\"id_token\":{{\"acr\":{acr}}}}}&state"));
        assert_eq!(refused(check(&query, client(json!({})))).0, code, "OIDC Core §5.5.1.1 {rule}");
    }
    // §3.1.2.1: `acr_values` are wishes.
    let query = spoil(QUERY, "&state", "&acr_values=urn:a&state");
    assert_eq!(refused(check(&query, client(json!({})))).1, "accepted");
}

#[test]
fn one_past_a_limit_is_refused() {
    let acr = |count: usize| "urn:a+".repeat(count);
    let text = |length: usize| "a".repeat(length);
    for (name, good, bad) in [
        ("login_hint", text(512), text(513)),
        ("ui_locales", text(512), text(513)),
        ("acr_values", acr(20), acr(21)),
        ("max_age", "9999999999".to_owned(), "10000000000".to_owned()),
    ] {
        let query = |value: &str| spoil(QUERY, "&state", &format!("&{name}={value}&state"));
        assert_eq!(refused(check(&query(&good), client(json!({})))).1, "accepted", "{name}");
        assert_eq!(refused(check(&query(&bad), client(json!({})))).0, "invalid_request", "{name}");
    }
    for (rule, from, most) in [("OI10 nonce", "nonce=n-1", 1024), ("AR11 state", "state=xyz", 8192)] {
        let (name, _) = from.split_once('=').unwrap();
        let query = |length: usize| spoil(QUERY, from, &format!("{name}={}", text(length)));
        let good = check(&query(most), client(json!({}))).unwrap();
        let kept = if name == "state" { good.return_to.state } else { good.nonce };
        assert_eq!(kept.map(|kept| kept.len()), Some(most), "{rule}: whole");
        let error = check(&query(most + 1), client(json!({}))).unwrap_err();
        assert_eq!(error.refusal.code().as_str(), "invalid_request", "{rule}");
        // RFC 6749 §4.1.2.1: the state comes back with the error, whole.
        let expected = if name == "nonce" { "xyz".to_owned() } else { text(most + 1) };
        assert_eq!(error.return_to.state, Some(expected), "{rule}");
    }
}

#[test]
fn what_the_client_did_not_register_for_is_refused() {
    let without_challenge =
        spoil(QUERY, &format!("&code_challenge={}&code_challenge_method=S256", super::CHALLENGE), "");
    let offline = spoil(QUERY, "=openid%20profile", "=offline_access");
    let public = json!({"token_endpoint_auth_method": "none"});
    let no_code = json!({"grant_types": ["client_credentials"]});
    let no_refresh = json!({"grant_types": ["authorization_code"]});
    for (rule, query, metadata, code) in [
        ("RFC 6749 §4.1.2.1 another grant", QUERY, &no_code, "unauthorized_client"),
        ("OIDC Core §11 offline_access alone", &offline, &no_refresh, "invalid_scope"),
        ("RFC 9700 §2.1.1 public", &without_challenge, &public, "invalid_request"),
    ] {
        assert_eq!(refused(check(query, client(metadata.clone()))).0, code, "{rule}");
    }
    let lax = TenantSettings { require_pkce: false, ..TenantSettings::default() };
    for (rule, metadata, code) in [
        ("RFC 9700 §2.1.1 public, whatever the tenant says", public, "invalid_request"),
        ("RFC 9700 §2.1.1 confidential, if the tenant says so", json!({}), ""),
    ] {
        let addressed = identify(&without_challenge, client(metadata)).unwrap();
        assert_eq!(refused(addressed.check(&lax, |_| true, None, NOW)).0, code, "{rule}");
    }
}

fn hint(subject: &str, audience: Value, issuer: &str) -> Option<IdTokenHint> {
    IdTokenHint::from_claims(&object(json!({"iss": issuer, "sub": subject, "aud": audience})), ISSUER)
}

#[test]
fn a_hint_counts_if_it_is_ours_and_for_this_client() {
    let query = spoil(QUERY, "&state", "&id_token_hint=verified&state");
    let alice = ALICE.to_string();
    let named =
        |sub: &dyn std::fmt::Display| format!("&claims={{\"id_token\":{{\"sub\":{{\"value\":\"{sub}\"}}}}}}&state");
    for (rule, hint, more, expected) in [
        ("OI06 another tenant", hint(&alice, json!("app"), "https://id.example/t/other"), None, Err("invalid_request")),
        ("OI06 issuer goes on", hint(&alice, json!("app"), "https://id.example/t/acme2"), None, Err("invalid_request")),
        ("OI07 another client", hint(&alice, json!("eve"), ISSUER), None, Err("invalid_request")),
        ("OI07 no audience", hint(&alice, json!([]), ISSUER), None, Err("invalid_request")),
        ("OI07 audience of another type", hint(&alice, json!({"app": 1}), ISSUER), None, Err("invalid_request")),
        ("OI07 not verified", None, None, Err("invalid_request")),
        ("OIDC Core §2 no person", hint("app", json!("app"), ISSUER), None, Err("invalid_request")),
        ("OIDC Core §5.5.1 two persons", hint(&alice, json!("app"), ISSUER), Some(BOB), Err("invalid_request")),
        ("ours", hint(&alice, json!("app"), ISSUER), None, Ok(ALICE)),
        ("one of several", hint(&alice, json!(["eve", "app"]), ISSUER), None, Ok(ALICE)),
        ("the same person twice", hint(&alice, json!("app"), ISSUER), Some(ALICE), Ok(ALICE)),
    ] {
        let query = more.map_or(query.clone(), |user| spoil(&query, "&state", &named(&user)));
        let result = check_hinted(&query, client(json!({})), hint);
        let result = result.map(|checked| checked.subject_hint).map_err(|error| error.refusal.code().as_str());
        assert_eq!(result, expected.map(Some), "{rule}");
    }
    let by_claims = check(&spoil(QUERY, "&state", &named(&BOB)), client(json!({}))).unwrap();
    assert_eq!(by_claims.subject_hint, Some(BOB), "OIDC Core §5.5.1");
    let unasked = check_hinted(QUERY, client(json!({})), hint(&alice, json!("app"), ISSUER)).unwrap();
    assert_eq!(unasked.subject_hint, None, "no parameter, no hint");
}

#[test]
fn a_state_that_comes_twice_does_not_come_back() {
    let error = check(&spoil(QUERY, "&nonce", "&state=other&nonce"), client(json!({}))).unwrap_err();
    assert_eq!((error.refusal.code().as_str(), error.return_to.state), ("invalid_request", None), "AR01");
    let error = check(&spoil(QUERY, "=code&", "=token&"), client(json!({}))).unwrap_err();
    assert_eq!(error.return_to.state.as_deref(), Some("xyz"), "RFC 6749 §4.1.2.1");
    assert_eq!(error.return_to.redirect_uri.as_str(), "https://app.example/cb");
    let strange = spoil(&spoil(QUERY, "=code&", "=token&"), "&state", "&response_mode=jwt&state");
    let error = check(&strange, client(json!({}))).unwrap_err();
    assert_eq!(error.return_to.mode, ResponseMode::Query, "AR05 an unknown mode: the usual one");
}

#[test]
fn the_way_back_is_the_one_that_was_asked_for() {
    let native = || {
        client(json!({"application_type": "native", "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/cb"]}))
    };
    let query = spoil(QUERY, "https%3A%2F%2Fapp.example%2Fcb", "http%3A%2F%2F127.0.0.1%3A5000%2Fcb");
    let good = check(&query, native()).unwrap();
    assert_eq!(good.return_to.redirect_uri.as_str(), "http://127.0.0.1:5000/cb", "RU16 with its port");
    let web = client(json!({"application_type": "web", "redirect_uris": ["http://127.0.0.1/cb"]}));
    assert!(refusal(identify(&query, web)).starts_with("RedirectUriUnknown"), "RU16 web");

    let plain = spoil(QUERY, "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid%20profile", "&scope=read");
    let good = check(&plain, client(json!({}))).unwrap();
    assert_eq!((good.redirect_uri_given, good.is_openid()), (false, false), "RU23 plain OAuth, one registered");
    assert_eq!(good.return_to.redirect_uri.as_str(), "https://app.example/cb");
    assert!(check(QUERY, client(json!({}))).unwrap().redirect_uri_given);
}

#[test]
fn a_good_request_is_kept_whole_within_what_the_client_may_have() {
    let claims = r#"{"userinfo":{"name":null,"email":{"essential":true},"phone_number":null}}"#;
    let more = format!(
        "&foo=bar&response_mode=form_post&prompt=login%20consent&max_age=0&login_hint=alice&ui_locales=de%20en\
         &acr_values=b%20a&resource=https://api.example&resource=https://api.example&claims={claims}&state"
    );
    let query = spoil(&spoil(QUERY, "&state", &more), "=openid", "=admin%20offline_access%20openid");
    let good = check(&query, client(json!({}))).unwrap();
    assert_eq!(good.scope.to_string(), "offline_access openid profile", "RFC 6749 §3.3: less than asked");
    assert_eq!(good.scope_in_words().to_string(), "offline_access openid profile email", "OI18: asked for by name");
    let mut named = good.claims.userinfo;
    named.sort();
    assert_eq!(named, ["email", "name"], "OI18: phone_number is nothing it may ask for");
    assert_eq!((good.max_age, good.login_hint.as_deref()), (Some(0), Some("alice")));
    assert_eq!((good.acr_values.join(" "), good.ui_locales.as_deref()), ("b a".to_owned(), Some("de en")));
    assert_eq!((good.resources.as_slice(), good.asked_at), (&[API.to_owned()][..], NOW));
    assert_eq!((good.nonce.as_deref(), good.return_to.state.as_deref()), (Some("n-1"), Some("xyz")));
    assert_eq!(good.return_to.mode, ResponseMode::FormPost);
    let prompt = good.prompt;
    assert_eq!((prompt.none, prompt.login, prompt.consent, prompt.select_account), (false, true, true, false));

    let no_refresh = client(json!({"grant_types": ["authorization_code"]}));
    assert_eq!(check(&query, no_refresh).unwrap().scope.to_string(), "openid profile", "OIDC Core §11");
    let no_scope = check(&spoil(QUERY, "&scope=openid%20profile", ""), client(json!({}))).unwrap();
    assert!(no_scope.scope.is_empty() && !no_scope.is_openid(), "RFC 6749 §3.3: none asked for");
    let none = check(&spoil(QUERY, "&state", "&prompt=none&state"), client(json!({}))).unwrap();
    assert!(none.prompt.none);
}

#[test]
fn the_clients_default_age_counts_unless_the_request_has_its_own() {
    let own = |max_age: &str, default: Value| {
        let query = spoil(QUERY, "&state", &format!("&max_age={max_age}&state"));
        check(&query, client(json!({"default_max_age": default}))).unwrap().max_age
    };
    assert_eq!(own("", json!(0)), Some(0), "OIDC Registration §2: 0 is no absence");
    assert_eq!(own("", Value::Null), None);
    assert_eq!(own("60", json!(0)), Some(60), "OIDC Registration §2: the request overrides");
    assert_eq!(own("0", json!(60)), Some(0), "OI04 max_age=0");
}

fn check_open(prompt: &str, hint: Option<IdTokenHint>) -> Result<Checked, RedirectError> {
    let hinted = if hint.is_some() { "&id_token_hint=x" } else { "" };
    let query = spoil(QUERY, "&state", &format!("&prompt={prompt}{hinted}&state"));
    let settings = TenantSettings { self_registration: SelfRegistration::Open, ..TenantSettings::default() };
    identify(&query, client(json!({}))).unwrap().check(&settings, |_| false, hint, NOW)
}

#[test]
fn prompt_create_section_4_where_people_make_their_accounts() {
    let hint = || IdTokenHint { subject: ALICE, audience: vec!["app".to_owned()], session_id: None };
    for (rule, prompt, hint) in [
        ("Prompt Create §4, OIDC Core §3.1.2.1 none", "none%20create", None),
        ("Prompt Create §4, OIDC Core §3.1.2.1 none behind", "create%20none", None),
        ("Prompt Create §4 case", "Create", None),
        ("OIDC Core §3.1.2.1 a hint names somebody who exists", "create", Some(hint())),
    ] {
        let (code, reason) = refused(check_open(prompt, hint));
        assert!(code == "invalid_request" && reason.starts_with("Value(\"prompt\""), "{rule}: {code} {reason}");
    }
    for (prompt, login, consent, select_account) in [
        ("create", false, false, false),
        ("create%20login", true, false, false),
        ("consent%20create", false, true, false),
        ("select_account%20create", false, false, true),
    ] {
        let prompt = check_open(prompt, None).unwrap().prompt;
        assert!(prompt.create && !prompt.none);
        assert_eq!((prompt.login, prompt.consent, prompt.select_account), (login, consent, select_account));
    }
    assert!(!check_open("login", None).unwrap().prompt.create);
    // What an earlier build wrote down knows nothing of it.
    let prompt: Prompt =
        serde_json::from_str(r#"{"none":false,"login":true,"consent":false,"select_account":false}"#).unwrap();
    assert!(prompt.login && !prompt.create);
}
