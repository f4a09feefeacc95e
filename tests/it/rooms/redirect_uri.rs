//! Redirect URIs: RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252 §7.

use chancery::protocol::redirect_uri::ApplicationType::{self, Native, Web};
use chancery::protocol::redirect_uri::RedirectUri;
use serde_json::json;

use super::{client, refusal};

/// Spoiled URIs that nobody can register, of which kind, and why.
const UNREGISTRABLE: &[(&str, &str, ApplicationType, &str)] = &[
    ("RFC 6749 §3.1.2 empty", "", Web, "NotAbsolute"),
    ("RFC 6749 §3.1.2 relative", "/cb", Web, "NotAbsolute"),
    ("RFC 6749 §3.1.2 no scheme", "app.example/cb", Web, "NotAbsolute"),
    ("RU26 relative to the scheme", "//app.example/cb", Web, "NotAbsolute"),
    ("RU26 no slashes", "https:app.example/cb", Web, "NotAbsolute"),
    ("RU26 one slash", "https:/app.example/cb", Web, "NotAbsolute"),
    ("RU26 backslashes", "https:\\\\app.example\\cb", Web, "NotAbsolute"),
    ("RU26 mixed slashes", "https:/\\app@evil.example", Web, "NotAbsolute"),
    ("RU26 backslash in the path", "https://app.example\\@evil", Web, "NotAbsolute"),
    ("RU27 tab in front", "\thttps://app.example/cb", Web, "NotAbsolute"),
    ("RU27 space in front", " https://app.example/cb", Web, "NotAbsolute"),
    ("RU27 space behind", "https://app.example/cb ", Web, "NotAbsolute"),
    ("RU27 tab in the scheme", "htt\tps://app.example/cb", Web, "NotAbsolute"),
    ("RU27 line end", "https://app.example/cb\r\nX: y", Web, "NotAbsolute"),
    ("RU27 NUL", "https://app.example/cb\0.evil", Web, "NotAbsolute"),
    ("RU31 quote", "https://app.example/\"onload=x", Web, "NotAbsolute"),
    ("RU31 angle brackets", "https://app.example/<b>", Web, "NotAbsolute"),
    ("RFC 3986 §2 beyond ASCII", "https://äpp.example/cb", Web, "NotAbsolute"),
    ("RFC 3986 §3.2 no host", "https://", Web, "NotAbsolute"),
    ("RFC 6749 §3.1.2 fragment", "https://app.example/cb#x", Web, "Fragment"),
    ("RFC 6749 §3.1.2 empty fragment", "https://app.example/cb#", Web, "Fragment"),
    ("RFC 6749 §3.1.2 native fragment", "com.example.app:/cb#x", Native, "Fragment"),
    ("RU07 user name", "https://app.example@evil.example/", Web, "UserInfo"),
    ("RU07 password", "https://a:b@evil.example/cb", Web, "UserInfo"),
    ("RU07 nothing before the sign", "https://@evil.example/cb", Web, "UserInfo"),
    ("RU08 several signs", "https://a@b@evil.example/cb", Web, "UserInfo"),
    ("RU09 encoded sign and port", "https://localhost:8090%25@evil/", Web, "UserInfo"),
    ("RU07 native", "com.example.app://a@b/cb", Native, "UserInfo"),
    ("RU10 wildcard host", "https://*.app.example/cb", Web, "Wildcard"),
    ("RU10 wildcard behind", "https://app.example*/cb", Web, "Wildcard"),
    ("RU20 code", "https://app.example/cb?code=x", Web, "ResponseParameter"),
    ("RU20 state", "https://app.example/cb?a=b&state=x", Web, "ResponseParameter"),
    ("RU20 iss", "https://app.example/cb?iss=x", Web, "ResponseParameter"),
    ("RU20 error", "https://app.example/cb?error=x", Web, "ResponseParameter"),
    ("RU20 response", "https://app.example/cb?response=x", Web, "ResponseParameter"),
    ("RU20 id_token", "https://app.example/cb?id_token=x", Web, "ResponseParameter"),
    ("RU20 without a value", "https://app.example/cb?code", Web, "ResponseParameter"),
    ("RU20 in escapes", "https://app.example/cb?c%6fde=x", Web, "ResponseParameter"),
    ("RU20 native", "com.example.app:/cb?code=x", Native, "ResponseParameter"),
    ("RU05 dots", "https://app.example/a/../cb", Web, "Path"),
    ("RU05 one dot", "https://app.example/./cb", Web, "Path"),
    ("RU05 dots at the end", "https://app.example/cb/..", Web, "Path"),
    ("RU05 matrix parameter", "https://app.example/cb/..;/x", Web, "Path"),
    ("RU05 behind a parameter", "https://app.example/cb;/../../x", Web, "Path"),
    ("RU05 encoded dots", "https://app.example/%2E%2e/cb", Web, "Path"),
    ("RU05 half encoded", "https://app.example/.%2e/cb", Web, "Path"),
    ("RU05 encoded slash", "https://app.example/..%2Fcb", Web, "Path"),
    ("RU05 encoded backslash", "https://app.example/..%5Ccb", Web, "Path"),
    ("RFC 9700 §4.1 javascript", "javascript:alert(1)", Native, "Scheme"),
    ("RFC 9700 §4.1 case of it", "JavaScript:alert(1)", Web, "Scheme"),
    ("RFC 9700 §4.1 data", "data:text/html,x", Native, "Scheme"),
    ("RFC 9700 §4.1 file", "file:///etc/passwd", Native, "Scheme"),
    ("RFC 9700 §4.1 blob", "blob:https://app.example/x", Native, "Scheme"),
    ("RU29 http", "http://app.example/cb", Web, "Http"),
    ("RU29 http of a native client", "http://app.example/cb", Native, "Http"),
    ("RU29 nearly loopback", "http://127.0.0.1.evil.example/cb", Native, "Http"),
    ("RU29 nearly localhost", "http://localhost.evil.example/cb", Native, "Http"),
    ("RU29 a private network", "http://192.168.0.1/cb", Native, "Http"),
    ("RU29 every address", "http://0.0.0.0/cb", Native, "Http"),
    ("RFC 8252 §7.1 web client", "com.example.app:/cb", Web, "PrivateUse"),
    ("RFC 8252 §7.1 no dot", "myapp:/cb", Native, "PrivateUse"),
    ("RFC 9110 §4.2.2 empty host", "https:///app.example/cb", Web, "NotAbsolute"),
];

#[test]
fn a_spoiled_uri_cannot_be_registered() {
    for (rule, uri, kind, expected) in UNREGISTRABLE {
        assert_eq!(refusal(RedirectUri::register(uri, *kind)), *expected, "{rule}");
    }
}

#[test]
fn a_good_uri_is_registered_to_the_letter() {
    for (rule, uri, kind) in [
        ("RFC 6749 §3.1.2", "https://app.example/cb", Web),
        ("RFC 6749 §3.1.2 query", "https://app.example/cb?tenant=a&x=", Web),
        ("RU20 another case is another name", "https://app.example/cb?Code=x", Web),
        ("RU14 kept as written", "HTTPS://APP.example:443/cb", Web),
        ("a port", "https://app.example:8443/cb", Web),
        ("no path", "https://app.example", Web),
        ("an address", "https://[2001:db8::1]/cb", Web),
        ("RFC 8252 §7.2 claimed https", "https://app.example/cb", Native),
        ("RFC 8252 §7.3 IPv4", "http://127.0.0.1/cb", Native),
        ("RFC 8252 §7.3 IPv6", "http://[::1]:4000/cb", Native),
        ("RFC 8252 §8.3 localhost", "http://localhost:3000/cb", Native),
        ("RFC 8252 §7.1 private use", "com.example.app:/oauth2redirect", Native),
        ("RFC 8252 §7.1 with an authority", "com.example.app://cb", Native),
    ] {
        let registered = RedirectUri::register(uri, kind).unwrap_or_else(|error| panic!("{rule}: {error}"));
        assert_eq!((registered.as_str(), registered.to_string().as_str()), (uri, uri), "{rule}");
        assert!(registered.admits(uri, kind), "{rule}");
    }
}

#[test]
fn a_web_client_that_registers_itself_has_no_address_on_the_machine_of_the_person() {
    for (rule, uri, kind, expected) in [
        ("RFC 9700 §2.6 IPv4", "http://127.0.0.1:3000/cb", Web, "WebLoopback"),
        ("RFC 9700 §2.6 IPv6", "http://[::1]/cb", Web, "WebLoopback"),
        ("OIDC Registration §2 localhost", "http://localhost/cb", Web, "WebLoopback"),
        ("OIDC Registration §2 localhost by https", "https://localhost/cb", Web, "WebLoopback"),
        ("OIDC Registration §2 the same in capitals", "https://LOCALHOST/cb", Web, "WebLoopback"),
        ("OIDC Registration §2 another loopback address", "https://127.9.9.9/cb", Web, "WebLoopback"),
        ("RFC 8252 §7.3 native", "http://127.0.0.1/cb", Native, "accepted"),
        ("RFC 8252 §7.1 native", "com.example.app:/cb", Native, "accepted"),
        ("RFC 8252 §7.2 native", "https://app.example/cb", Native, "accepted"),
        ("OIDC Registration §2 web", "https://app.example/cb", Web, "accepted"),
        ("nearly localhost", "https://localhost.example/cb", Web, "accepted"),
    ] {
        let registered = RedirectUri::register(uri, kind).unwrap_or_else(|error| panic!("{rule}: {error}"));
        assert_eq!(refusal(registered.check_self_registered(kind)), expected, "{rule}");
    }
}

#[test]
fn one_byte_past_the_limit_is_too_long() {
    let uri = |length: usize| format!("https://app.example/{}", "a".repeat(length - 20));
    assert_eq!(refusal(RedirectUri::register(&uri(2049), Web)), "NotAbsolute", "DC15");
    assert_eq!(refusal(RedirectUri::register(&uri(2048), Web)), "accepted");
}

/// Spoiled forms of `https://app.example/cb?x=1` in a request.
const UNKNOWN: &[(&str, &str)] = &[
    ("RU01 another host", "https://evil.example/cb?x=1"),
    ("RU03 slash at the end", "https://app.example/cb/?x=1"),
    ("RU03 a segment more", "https://app.example/cb/x?x=1"),
    ("RU03 case of the path", "https://app.example/CB?x=1"),
    ("RU05 dots", "https://app.example/y/../cb?x=1"),
    ("RU05 matrix parameter", "https://app.example/cb/..;/x?x=1"),
    ("RU05 behind a parameter", "https://app.example/cb;/../../x?x=1"),
    ("RU07 user name", "https://app.example@evil.example/cb?x=1"),
    ("RU08 several signs", "https://a@app.example@evil.example/cb?x=1"),
    ("RU09 encoded sign", "https://app.example:443%25@evil.example/cb?x=1"),
    ("RU10 host behind", "https://app.example.evil.tld/cb?x=1"),
    ("RU10 host before", "https://evilapp.example/cb?x=1"),
    ("RU10 asterisk", "https://app.example*/cb?x=1"),
    ("RU14 case of the scheme", "HTTPS://app.example/cb?x=1"),
    ("RU14 case of the host", "https://APP.example/cb?x=1"),
    ("RU15 port", "https://app.example:8443/cb?x=1"),
    ("RU15 the usual port", "https://app.example:443/cb?x=1"),
    ("RU26 backslashes", "https:\\\\app.example/cb?x=1"),
    ("RU26 three slashes", "https:///app.example/cb?x=1"),
    ("RU26 no scheme", "//app.example/cb?x=1"),
    ("RU27 tab in front", "\thttps://app.example/cb?x=1"),
    ("RU27 space behind", "https://app.example/cb?x=1 "),
    ("RU27 line end", "https://app.example/cb?x=1\n"),
    ("RU29 http", "http://app.example/cb?x=1"),
    ("RFC 9700 §2.1 dot behind the host", "https://app.example./cb?x=1"),
    ("RFC 9700 §2.1 escape", "https://app.example/%63b?x=1"),
    ("RFC 9700 §2.1 query more", "https://app.example/cb?x=1&y=2"),
    ("RFC 9700 §2.1 query less", "https://app.example/cb"),
    ("RFC 9700 §2.1 query other", "https://app.example/cb?x=2"),
    ("RFC 9700 §2.1 fragment", "https://app.example/cb?x=1#y"),
    ("RFC 9700 §2.1 beginning", "https://app.example/cb?x="),
    ("empty", ""),
];

#[test]
fn only_the_same_bytes_are_admitted() {
    for kind in [Web, Native] {
        let registered = RedirectUri::register("https://app.example/cb?x=1", kind).unwrap();
        for (rule, asked) in UNKNOWN {
            assert!(!registered.admits(asked, kind), "{rule}, {kind:?}");
            assert_eq!(registered.as_asked(asked, kind), None, "{rule}, {kind:?}");
        }
    }
}

/// Registered, asked, and whether a native client may.
const LOOPBACK: &[(&str, &str, &str, bool)] = &[
    ("RU18 path", "http://127.0.0.1/cb", "http://127.0.0.1:5000/cb/x", false),
    ("RU18 query", "http://127.0.0.1/cb", "http://127.0.0.1:5000/cb?x=1", false),
    ("RU18 query less", "http://127.0.0.1/cb?x=1", "http://127.0.0.1:5000/cb", false),
    ("RU18 fragment", "http://127.0.0.1/cb", "http://127.0.0.1:5000/cb#x", false),
    ("RU18 slash of the root", "http://127.0.0.1", "http://127.0.0.1:5000/", false),
    ("RU16 IPv6 for IPv4", "http://127.0.0.1/cb", "http://[::1]:5000/cb", false),
    ("RU16 name for address", "http://127.0.0.1/cb", "http://localhost:5000/cb", false),
    ("RU16 other address", "http://127.0.0.1/cb", "http://127.0.0.2:5000/cb", false),
    ("RU16 https", "http://127.0.0.1/cb", "https://127.0.0.1:5000/cb", false),
    ("RU16 https registered", "https://127.0.0.1/cb", "https://127.0.0.1:5000/cb", false),
    ("RFC 8252 §8.3 localhost", "http://localhost/cb", "http://localhost:5000/cb", false),
    ("RU10 host goes on", "http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false),
    ("RU07 port as user name", "http://127.0.0.1/cb", "http://127.0.0.1:5000@evil.example/cb", false),
    ("RU09 encoded", "http://127.0.0.1/cb", "http://127.0.0.1:5000%40evil.example/cb", false),
    ("RU26 backslash", "http://127.0.0.1/cb", "http://127.0.0.1:5000\\cb", false),
    ("RU14 case", "http://127.0.0.1/cb", "HTTP://127.0.0.1:5000/cb", false),
    ("RFC 3986 §3.2.3 no digits", "http://127.0.0.1/cb", "http://127.0.0.1:/cb", false),
    ("RFC 3986 §3.2.3 not a number", "http://127.0.0.1/cb", "http://127.0.0.1:5o/cb", false),
    ("RFC 3986 §3.2.3 sign", "http://127.0.0.1/cb", "http://127.0.0.1:+80/cb", false),
    ("port zero", "http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
    ("zero in front", "http://127.0.0.1/cb", "http://127.0.0.1:08/cb", false),
    ("one port past the last", "http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false),
    ("very many digits", "http://127.0.0.1/cb", "http://127.0.0.1:99999999999999999999/cb", false),
    ("the last port", "http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", true),
    ("the first port", "http://127.0.0.1/cb", "http://127.0.0.1:1/cb", true),
    ("RU16 instead of another", "http://127.0.0.1:4000/cb", "http://127.0.0.1:5000/cb", true),
    ("RU16 instead of a port", "http://127.0.0.1:4000/cb", "http://127.0.0.1/cb", true),
    ("RU16 IPv6", "http://[::1]/cb?x=1", "http://[::1]:5000/cb?x=1", true),
    ("RU16 root", "http://127.0.0.1", "http://127.0.0.1:5000", true),
];

#[test]
fn only_the_port_of_a_loopback_address_is_free_and_only_for_native_clients() {
    for (rule, registered, asked, native) in LOOPBACK {
        let uri = RedirectUri::register(registered, Native).unwrap();
        assert_eq!(uri.admits(asked, Native), *native, "{rule}");
        let kept = uri.as_asked(asked, Native).map(|uri| uri.to_string());
        assert_eq!(kept.as_deref(), native.then_some(*asked), "{rule}: kept as it was asked for");
        assert!(!uri.admits(asked, Web), "RU16 web: {rule}");
        assert!(uri.admits(registered, Web), "{rule}");
    }
}

#[test]
fn the_origin_and_the_kind_of_a_uri_are_known() {
    for (uri, origin, native) in [
        ("https://app.example/cb?x=1", "https://app.example", false),
        ("https://APP.example:443/cb", "https://app.example", false),
        ("https://app.example:8443/cb", "https://app.example:8443", false),
        ("http://127.0.0.1:4000/cb", "http://127.0.0.1:4000", true),
        ("http://localhost/cb", "http://localhost", true),
        ("https://[::1]/cb", "https://[::1]", true),
        ("https://localhost.evil.example/cb", "https://localhost.evil.example", false),
        ("com.example.app:/cb", "com.example.app:", true),
        ("com.example.app://host/cb", "com.example.app:", true),
    ] {
        let registered = RedirectUri::register(uri, Native).unwrap();
        assert_eq!((registered.origin().as_str(), registered.is_native()), (origin, native), "{uri}");
    }
}

#[test]
fn only_pages_of_the_own_origins_may_read_answers() {
    let web = client(json!({"redirect_uris": ["https://app.example/cb", "https://app.example:8443/cb"]}));
    let native = client(json!({"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"]}));
    for (rule, client, origin, may) in [
        ("OI13 another", &web, "https://evil.example", false),
        ("OI13 null", &web, "null", false),
        ("OI13 nothing", &web, "", false),
        ("OI13 host goes on", &web, "https://app.example.evil.tld", false),
        ("OI13 another port", &web, "https://app.example:9000", false),
        ("OI13 http", &web, "http://app.example", false),
        ("OI13 the name of the address", &native, "http://localhost:5000", false),
        ("OI13 user name", &native, "http://127.0.0.1:5000@evil.example", false),
        ("its own", &web, "https://app.example", true),
        ("its own port", &web, "https://app.example:8443", true),
        ("RFC 8252 §7.3 any port", &native, "http://127.0.0.1:5000", true),
    ] {
        assert_eq!(client.metadata.allows_origin(origin), may, "{rule}");
    }
}
