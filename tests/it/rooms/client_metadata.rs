//! Client metadata: RFC 7591 §2, OpenID Connect Registration §2.

use chancery::protocol::client::ClientOrigin::{self, Administrator, Dynamic};
use chancery::protocol::client_metadata::{ClientMetadata, MetadataError};
use chancery::protocol::error_code::ErrorCode;
use serde_json::{Map, Value, json};

use super::{KEY, document, object, read_object, rules};

fn parse(origin: ClientOrigin, patch: Map<String, Value>) -> Result<ClientMetadata, MetadataError> {
    ClientMetadata::parse(&document(patch), &rules(origin))
}

/// The code, and the member that is named first.
fn refused(origin: ClientOrigin, patch: Map<String, Value>) -> Result<(), (ErrorCode, String)> {
    let name = |error: &MetadataError| error.to_string().split([' ', ':']).next().unwrap_or_default().to_owned();
    parse(origin, patch).map(drop).map_err(|error| (error.code(), name(&error)))
}

/// One member spoiled, and the member that is blamed: `invalid_client_metadata`.
const SPOILED: &[(&str, &str, &str)] = &[
    ("RFC 7591 §2 not a list", r#"{"redirect_uris": "https://app.example/cb"}"#, "redirect_uris"),
    ("RFC 7591 §2 not texts", r#"{"redirect_uris": [1]}"#, "redirect_uris"),
    ("DC03 unknown grant", r#"{"grant_types": ["authorization_code", "password"]}"#, "grant_types"),
    ("DC03 implicit", r#"{"grant_types": ["implicit"]}"#, "grant_types"),
    ("DC03 token exchange", r#"{"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]}"#, "grant_types"),
    ("RFC 7591 §2 case", r#"{"grant_types": ["Authorization_Code"]}"#, "grant_types"),
    ("RFC 7591 §2 not a list of texts", r#"{"grant_types": [null]}"#, "grant_types"),
    ("RFC 9700 §2.1.2 token", r#"{"response_types": ["token"]}"#, "response_types"),
    ("RFC 9700 §2.1.2 hybrid", r#"{"response_types": ["code", "code id_token"]}"#, "response_types"),
    ("RFC 7591 §2.1 nothing for the code grant", r#"{"response_types": []}"#, "response_types"),
    (
        "RFC 7591 §2.1 code without its grant",
        r#"{"grant_types": ["client_credentials"], "response_types": ["code"]}"#,
        "response_types",
    ),
    (
        "RFC 7591 §2 unknown method",
        r#"{"token_endpoint_auth_method": "tls_client_auth"}"#,
        "token_endpoint_auth_method",
    ),
    ("RFC 7591 §2 empty method", r#"{"token_endpoint_auth_method": ""}"#, "token_endpoint_auth_method"),
    (
        "RFC 6749 §4.4 public",
        r#"{"token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "client_credentials"]}"#,
        "grant_types",
    ),
    ("CA21 alg of no assertion", r#"{"token_endpoint_auth_signing_alg": "HS256"}"#, "token_endpoint_auth_signing_alg"),
    (
        "CA19 signature for a MAC",
        r#"{"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "ES256"}"#,
        "token_endpoint_auth_signing_alg",
    ),
    (
        "CA19 MAC for a signature",
        r#"{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/jwks",
            "token_endpoint_auth_signing_alg": "HS256"}"#,
        "token_endpoint_auth_signing_alg",
    ),
    (
        "RFC 8725 §3.2 none",
        r#"{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/jwks",
            "token_endpoint_auth_signing_alg": "none"}"#,
        "token_endpoint_auth_signing_alg",
    ),
    ("RFC 7591 §2 no keys", r#"{"token_endpoint_auth_method": "private_key_jwt"}"#, "jwks"),
    ("DC08 not an object", r#"{"jwks": []}"#, "jwks"),
    ("DC08 no list of keys", r#"{"jwks": {}}"#, "jwks"),
    ("DC08 no key", r#"{"jwks": {"keys": []}}"#, "jwks"),
    ("DC08 no usable key", r#"{"jwks": {"keys": [{"kty": "new"}]}}"#, "jwks"),
    ("DC08 symmetric key", r#"{"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}"#, "jwks"),
    ("DC08 private key", r#"{"jwks": {"keys": [{"kty": "EC", "d": "AAAA"}]}}"#, "jwks"),
    ("OIDC Registration §2 http", r#"{"jwks_uri": "http://app.example/jwks"}"#, "jwks_uri"),
    ("OIDC Registration §2 file", r#"{"jwks_uri": "file:///etc/passwd"}"#, "jwks_uri"),
    ("OIDC Registration §2 user name", r#"{"jwks_uri": "https://a:b@app.example/jwks"}"#, "jwks_uri"),
    ("RFC 6749 §3.3 quote", r#"{"scope": "openid \"x\""}"#, "scope"),
    ("RFC 7591 §2 a list for a text", r#"{"scope": ["openid"]}"#, "scope"),
    ("OIDC Registration §2 kind", r#"{"application_type": "desktop"}"#, "application_type"),
    ("OIDC Registration §2 case of the kind", r#"{"application_type": "Web"}"#, "application_type"),
    ("RFC 9700 §4.1 script", r#"{"client_uri": "javascript:alert(1)"}"#, "client_uri"),
    ("RFC 7591 §5 http", r#"{"client_uri": "http://app.example"}"#, "client_uri"),
    ("RFC 7591 §5 nearly loopback", r#"{"logo_uri": "http://localhost.evil.example"}"#, "logo_uri"),
    ("RFC 7591 §5 user name", r#"{"tos_uri": "https://a@app.example"}"#, "tos_uri"),
    ("RFC 9700 §4.1 data", r#"{"logo_uri": "data:image/svg+xml,x"}"#, "logo_uri"),
    ("RFC 3986 §4.3 relative", r#"{"policy_uri": "/policy"}"#, "policy_uri"),
    ("RFC 3986 §2 space", r#"{"tos_uri": "https://app.example/the terms"}"#, "tos_uri"),
    ("RFC 7591 §2 contacts", r#"{"contacts": "a@app.example"}"#, "contacts"),
    ("OIDC Core §3.1.2.1 negative", r#"{"default_max_age": -1}"#, "default_max_age"),
    ("OIDC Core §3.1.2.1 a text", r#"{"default_max_age": "60"}"#, "default_max_age"),
    ("OIDC Core §3.1.2.1 a fraction", r#"{"default_max_age": 1.5}"#, "default_max_age"),
    ("OIDC Registration §2 not a flag", r#"{"require_auth_time": "false"}"#, "require_auth_time"),
    ("OIDC Registration §2 http", r#"{"initiate_login_uri": "http://app.example/login"}"#, "initiate_login_uri"),
    ("RFC 8725 §3.2 none", r#"{"id_token_signed_response_alg": "none"}"#, "id_token_signed_response_alg"),
    ("JW02 HS256", r#"{"id_token_signed_response_alg": "HS256"}"#, "id_token_signed_response_alg"),
    ("LO01 fragment", r#"{"post_logout_redirect_uris": ["https://app.example/bye#x"]}"#, "post_logout_redirect_uris"),
    ("LO01 http", r#"{"post_logout_redirect_uris": ["http://app.example/bye"]}"#, "post_logout_redirect_uris"),
    ("OI15 pairwise", r#"{"subject_type": "pairwise"}"#, "subject_type"),
    ("OI15 sector", r#"{"sector_identifier_uri": "https://evil.example/s"}"#, "sector_identifier_uri"),
    ("encrypted", r#"{"id_token_encrypted_response_alg": "RSA-OAEP"}"#, "id_token_encrypted_response_alg"),
    ("RFC 9449 §5.2 DPoP", r#"{"dpop_bound_access_tokens": true}"#, "dpop_bound_access_tokens"),
    ("RFC 9101 §10.5", r#"{"require_signed_request_object": true}"#, "require_signed_request_object"),
    ("RFC 9126 §6", r#"{"require_pushed_authorization_requests": true}"#, "require_pushed_authorization_requests"),
    (
        "RFC 9126 §6 a text",
        r#"{"require_pushed_authorization_requests": "1"}"#,
        "require_pushed_authorization_requests",
    ),
    (
        "RFC 8705 §3.4",
        r#"{"tls_client_certificate_bound_access_tokens": true}"#,
        "tls_client_certificate_bound_access_tokens",
    ),
    ("RFC 8705 §2.1.2", r#"{"tls_client_auth_subject_dn": "CN=app"}"#, "tls_client_auth_subject_dn"),
    ("RFC 8705 §2.1.2", r#"{"tls_client_auth_san_dns": "app.example"}"#, "tls_client_auth_san_dns"),
    ("RFC 9396 §10", r#"{"authorization_details_types": ["payment"]}"#, "authorization_details_types"),
    ("LO01 back channel", r#"{"backchannel_logout_uri": "https://app.example/b"}"#, "backchannel_logout_uri"),
];

/// Algorithms that nothing here uses: OIDC Registration §2, RFC 9701 §6, JARM §3.
const LEFT_OUT: [&str; 14] = [
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "request_object_signing_alg",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
];

#[test]
fn an_algorithm_that_nothing_uses_is_refused_by_the_name_of_its_member() {
    for name in LEFT_OUT {
        for (rule, value) in [
            ("RFC 7591 §2 not served", json!("ES256")),
            ("RFC 7591 §2 empty", json!("")),
            ("RFC 7591 §2 no text", json!(["ES256"])),
            ("RFC 7591 §2 case of none", json!("None")),
        ] {
            let expected = Err((ErrorCode::InvalidClientMetadata, name.to_owned()));
            assert_eq!(refused(Dynamic, object(json!({ name: value }))), expected, "{rule}");
        }
        for asks_nothing in [json!("none"), Value::Null] {
            assert_eq!(refused(Dynamic, object(json!({ name: asks_nothing }))), Ok(()), "{name} {asks_nothing}");
        }
    }
}

#[test]
fn a_spoiled_member_is_refused_by_its_name() {
    for (rule, patch, member) in SPOILED {
        for origin in [Administrator, Dynamic] {
            let expected = Err((ErrorCode::InvalidClientMetadata, (*member).to_owned()));
            assert_eq!(refused(origin, read_object(patch)), expected, "{rule}, {origin:?}");
        }
    }
}

#[test]
fn a_spoiled_redirect_uri_has_a_code_of_its_own() {
    for (rule, patch) in [
        ("RFC 7591 §2 none for the code grant", r#"{"redirect_uris": []}"#),
        ("RFC 7591 §3.2.2 an empty text", r#"{"redirect_uris": [""]}"#),
        ("RFC 7591 §3.2.2 a second, empty one", r#"{"redirect_uris": ["https://app.example/cb", ""]}"#),
        ("RFC 9700 §2.6 stated web", r#"{"application_type": "web", "redirect_uris": ["http://127.0.0.1/cb"]}"#),
        ("RFC 9700 §2.6 mixed", r#"{"redirect_uris": ["https://app.example/cb", "http://127.0.0.1/cb"]}"#),
        ("OIDC Registration §2 localhost", r#"{"application_type": "web", "redirect_uris": ["https://localhost/cb"]}"#),
        ("RU12 not stated", r#"{"redirect_uris": null}"#),
        ("RU10 wildcard", r#"{"redirect_uris": ["https://*.app.example/cb"]}"#),
        ("RU20 code", r#"{"redirect_uris": ["https://app.example/cb?code=x"]}"#),
        ("RU29 http", r#"{"redirect_uris": ["http://app.example/cb"]}"#),
        ("RFC 6749 §3.1.2 second one", r#"{"redirect_uris": ["https://app.example/cb", "/cb"]}"#),
        ("RFC 8252 §7.1 stated web", r#"{"application_type": "web", "redirect_uris": ["com.example.app:/cb"]}"#),
        ("RFC 8252 §7.1 mixed", r#"{"redirect_uris": ["com.example.app:/cb", "https://app.example/cb"]}"#),
    ] {
        let expected = Err((ErrorCode::InvalidRedirectUri, "redirect_uris".to_owned()));
        assert_eq!(refused(Dynamic, read_object(patch)), expected, "{rule}");
    }
}

#[test]
fn only_an_administrator_gives_a_web_client_a_loopback_address() {
    let uri = "http://localhost:3000/cb";
    for (member, code) in [
        ("redirect_uris", ErrorCode::InvalidRedirectUri),
        ("post_logout_redirect_uris", ErrorCode::InvalidClientMetadata),
    ] {
        let patch = object(json!({"application_type": "web", member: [uri]}));
        assert_eq!(refused(Dynamic, patch.clone()), Err((code, member.to_owned())), "RFC 9700 §2.6");
        assert_eq!(refused(Administrator, patch), Ok(()), "RFC 9700 §2.6, Choice: for development");
    }
    let empty = refused(Dynamic, object(json!({"post_logout_redirect_uris": [""]})));
    assert_eq!(
        empty,
        Err((ErrorCode::InvalidClientMetadata, "post_logout_redirect_uris".to_owned())),
        "RFC 7591 §3.2.2"
    );
    let long =
        refused(Dynamic, object(json!({"redirect_uris": [format!("https://app.example/{}", "a".repeat(2048))]})));
    assert_eq!(long, Err((ErrorCode::InvalidRedirectUri, "redirect_uris".to_owned())), "RFC 7591 §3.2.2");
}

/// A list of so many different texts.
fn list(count: usize, text: &str) -> Value {
    (0..count).map(|n| Value::from(format!("{text}{n}"))).collect()
}

#[test]
fn a_software_statement_has_a_code_of_its_own() {
    for statement in ["e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "x"] {
        let result = refused(Dynamic, object(json!({ "software_statement": statement })));
        assert_eq!(result.map_err(|(code, _)| code), Err(ErrorCode::InvalidSoftwareStatement), "DC13 {statement}");
    }
}

#[test]
fn one_past_a_limit_is_refused() {
    let jwk = |n: usize| {
        let mut key = KEY.public_jwk().clone();
        key.insert("kid".into(), n.to_string().into());
        Value::Object(key)
    };
    let keys = |count: usize| json!({"keys": (0..count).map(jwk).collect::<Value>()});
    let text = |length: usize| Value::from("a".repeat(length));
    let grants = |count: usize| Value::from(vec!["authorization_code"; count]);
    for (rule, member, good, bad) in [
        ("DC15", "redirect_uris", list(50, "https://app.example/"), list(51, "https://app.example/")),
        ("DC15", "post_logout_redirect_uris", list(50, "https://app.example/"), list(51, "https://app.example/")),
        ("DC15", "redirect_uris", list(1, "https://app.example/"), list(500, "https://app.example/")),
        ("DC15", "contacts", list(20, "a@b"), list(21, "a@b")),
        ("DC15", "default_acr_values", list(20, "urn:a:"), list(21, "urn:a:")),
        ("DC15", "grant_types", grants(20), grants(21)),
        ("DC15", "jwks", keys(32), keys(33)),
        ("DC10", "client_name", text(100), text(101)),
        ("DC10 characters", "client_name", "é".repeat(100).into(), "é".repeat(101).into()),
        ("DC15", "software_id", text(2048), text(2049)),
        ("DC15", "software_version", text(1), text(0)),
        ("AR08", "scope", text(2048), text(2049)),
        ("DC15", "contacts", json!(["a".repeat(2048)]), json!(["a".repeat(2049)])),
        ("grace of the rotation", "refresh_token_grace_seconds", 60.into(), 61.into()),
        ("grace of the rotation", "refresh_token_grace_seconds", 0.into(), (-1).into()),
        ("grace of the rotation", "refresh_token_grace_seconds", 1.into(), (1_i64 << 32).into()),
        ("OIDC Core §3.1.2.1", "default_max_age", i64::MAX.into(), u64::MAX.into()),
    ] {
        let patch = |value: Value| object(json!({ member: value }));
        assert_eq!(refused(Administrator, patch(good)), Ok(()), "{rule} {member}");
        let expected = Err((ErrorCode::InvalidClientMetadata, member.to_owned()));
        assert_eq!(refused(Administrator, patch(bad)), expected, "{rule} {member}");
    }
}

#[test]
fn keys_come_one_way_and_are_public() {
    let key = KEY.public_jwk();
    let with = |name: &str| {
        let mut key = key.clone();
        key.insert(name.into(), "AAAA".into());
        json!({"jwks": {"keys": [key]}})
    };
    let both = json!({"jwks": {"keys": [key]}, "jwks_uri": "https://app.example/jwks"});
    for (rule, patch) in [
        ("DC08 both", both),
        ("DC08 d", with("d")),
        ("DC08 p", with("p")),
        ("DC08 k", with("k")),
        ("DC08 oth", with("oth")),
    ] {
        // Whatever the method of authentication: a key that was shown is given away.
        for method in ["private_key_jwt", "client_secret_basic", "none"] {
            let mut patch = object(patch.clone());
            patch.insert("token_endpoint_auth_method".into(), method.into());
            let expected = Err((ErrorCode::InvalidClientMetadata, "jwks".to_owned()));
            assert_eq!(refused(Dynamic, patch), expected, "{rule}, {method}");
        }
    }
    for patch in [
        json!({"jwks": {"keys": [key]}, "token_endpoint_auth_method": "private_key_jwt"}),
        json!({"jwks": {"keys": [key]}, "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256", "jwks_uri": null}),
        json!({"jwks_uri": "https://app.example/jwks", "token_endpoint_auth_method": "private_key_jwt"}),
    ] {
        assert_eq!(refused(Dynamic, object(patch)), Ok(()));
    }
}

#[test]
fn a_name_that_deceives_is_refused() {
    for (rule, name) in [
        ("DC10 right to left override", "Goo\u{202e}elg"),
        ("DC10 left to right embedding", "\u{202a}Google"),
        ("DC10 isolate", "Goo\u{2066}gle"),
        ("DC10 right to left mark", "Google\u{200f}"),
        ("DC10 zero width space", "Goo\u{200b}gle"),
        ("DC10 zero width joiner", "Goo\u{200d}gle"),
        ("DC10 word joiner", "Goo\u{2060}gle"),
        ("DC10 byte order mark", "\u{feff}Google"),
        ("DC10 line end", "Google\nis asking"),
        ("DC10 NUL", "Google\0"),
        ("DC10 C1 control", "Google\u{85}"),
        ("DC10 empty", ""),
        ("DC10 Arabic letter mark", "Goo\u{61c}gle"),
        ("DC10 soft hyphen", "Goo\u{ad}gle"),
        ("DC10 Hangul filler", "\u{3164}"),
        ("DC10 line separator", "Google\u{2028}is asking"),
        ("DC10 tag characters", "Google\u{e0041}"),
        ("DC10 spaces alone", "   "),
        ("DC10 zero width non-joiner", "Goo\u{200c}gle"),
        ("DC10 joiner in front", "\u{200c}\u{645}\u{6cc}"),
        ("DC10 joiner behind", "\u{645}\u{6cc}\u{200c}"),
        ("DC10 joiner alone", "\u{200d}"),
        ("DC10 two joiners", "\u{645}\u{6cc}\u{200c}\u{200c}\u{62e}"),
        ("DC10 joiner before a space", "\u{645}\u{6cc}\u{200c} \u{62e}"),
        ("DC10 joiner before another script", "\u{645}\u{6cc}\u{200c}a"),
        ("DC10 joiner behind a digit", "\u{6f1}\u{200c}\u{62e}"),
        ("DC10 another mark between these letters", "\u{645}\u{6cc}\u{200f}\u{62e}"),
    ] {
        let expected = Err((ErrorCode::InvalidClientMetadata, "client_name".to_owned()));
        assert_eq!(refused(Dynamic, object(json!({ "client_name": name }))), expected, "{rule}");
    }
    for name in [
        "Google",
        "Crème & Co.",
        "مكتب",
        "株式会社",
        "❤\u{fe0f}",
        // RFC 5892 Appendix A.1, A.2: Persian and Sanskrit are spelled with joiners.
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
        "\u{915}\u{94d}\u{200d}\u{937}",
        "\u{915}\u{94d}\u{200c}\u{937}",
    ] {
        assert_eq!(refused(Dynamic, object(json!({ "client_name": name }))), Ok(()), "{name}");
    }
}

#[test]
fn what_only_an_administrator_may_say_is_passed_over() {
    let plain = parse(Dynamic, Map::new()).unwrap();
    for (rule, patch) in [
        ("DC02 first_party", r#"{"first_party": true}"#),
        ("DC02 first_party of another type", r#"{"first_party": "yes"}"#),
        ("DC02 grace", r#"{"refresh_token_grace_seconds": 60}"#),
        ("DC02 grace past the limit", r#"{"refresh_token_grace_seconds": 86400}"#),
        ("DC02 audience", r#"{"client_assertion_audience": "issuer_or_token_endpoint"}"#),
        (
            "DC02 identity",
            r#"{"client_id": "admin", "client_secret": "x", "tenant": "other", "origin": "administrator"}"#,
        ),
        ("DC02 rights", r#"{"trusted": true, "skip_consent": true, "enabled": true, "roles": ["admin"]}"#),
        ("DC02 registration", r#"{"registration_access_token": "x", "client_id_issued_at": 1}"#),
        ("DC10 localised name", r#"{"client_name#en": "Google", "logo_uri#en": "https://evil.example/"}"#),
        ("DC03 scope", r#"{"scope": "openid profile email offline_access read admin write"}"#),
        ("RFC 7591 §2 null", r#"{"jwks": null, "client_name": null, "first_party": null}"#),
        ("RFC 7591 §2 false", r#"{"dpop_bound_access_tokens": false, "subject_type": "public"}"#),
        (
            "RFC 7591 §2 nothing is asked for",
            r#"{"require_pushed_authorization_requests": false, "request_uris": ["https://app.example/r"], "userinfo_signed_response_alg": "none"}"#,
        ),
    ] {
        assert_eq!(parse(Dynamic, read_object(patch)).unwrap(), plain, "{rule}");
    }
    let scope = parse(Dynamic, object(json!({"scope": "admin read"}))).unwrap().scope;
    assert_eq!(scope.to_string(), "read", "DC03 within what a client may have");
    let given = json!({"first_party": true, "refresh_token_grace_seconds": 5, "scope": "admin",
        "client_assertion_audience": "issuer_or_token_endpoint"});
    let told = parse(Administrator, object(given.clone())).unwrap().to_object();
    for (name, value) in object(given) {
        assert_eq!(told.get(&name), Some(&value), "an administrator may: {name}");
    }
}

#[test]
fn what_is_not_stated_is_defaulted_and_told() {
    let minimal = object(json!({"redirect_uris": ["https://app.example/cb"]}));
    let told = ClientMetadata::parse(&minimal, &rules(Dynamic)).unwrap().to_object();
    let expected = json!({
        "redirect_uris": ["https://app.example/cb"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "openid profile email offline_access read",
        "application_type": "web",
        "id_token_signed_response_alg": "ES256",
    });
    assert_eq!(Value::Object(told), expected, "RFC 7591 §3.2.1");
}

#[test]
fn uris_that_are_all_native_make_a_native_client() {
    for (rule, uris, kind, method) in [
        ("loopback", vec!["http://127.0.0.1/cb"], "native", "none"),
        ("localhost", vec!["http://localhost:3000/cb"], "native", "none"),
        ("private use", vec!["com.example.app:/cb"], "native", "none"),
        ("both", vec!["com.example.app:/cb", "http://[::1]/cb"], "native", "none"),
        ("web", vec!["https://app.example/cb"], "web", "client_secret_basic"),
        ("mixed", vec!["https://app.example/cb", "http://127.0.0.1/cb"], "web", "client_secret_basic"),
    ] {
        let object = object(json!({ "redirect_uris": uris }));
        let told = ClientMetadata::parse(&object, &rules(Administrator)).unwrap().to_object();
        assert_eq!(
            (&told["application_type"], &told["token_endpoint_auth_method"]),
            (&json!(kind), &json!(method)),
            "{rule}"
        );
    }
    let stated = json!({"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "client_secret_post"});
    let told = parse(Dynamic, object(stated)).unwrap().to_object();
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_post", "what is stated counts");
}

#[test]
fn what_is_told_can_be_read_again() {
    let key = KEY.public_jwk();
    for patch in [
        json!({}),
        json!({"grant_types": ["client_credentials"], "redirect_uris": []}),
        json!({"grant_types": [], "redirect_uris": null}),
        json!({"jwks": {"keys": [key]}, "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256", "client_assertion_audience": "issuer"}),
        json!({"client_name": "App", "client_uri": "https://app.example", "logo_uri": "https://app.example/logo",
            "policy_uri": "https://app.example/policy", "tos_uri": "https://app.example/terms",
            "contacts": ["a@app.example"], "software_id": "1", "software_version": "2"}),
        json!({"default_max_age": 0, "require_auth_time": true, "default_acr_values": ["urn:a"],
            "initiate_login_uri": "https://app.example/login", "opaque_access_tokens": true, "first_party": true,
            "refresh_token_grace_seconds": 0, "id_token_signed_response_alg": "RS256"}),
    ] {
        let told = parse(Administrator, object(patch.clone())).unwrap();
        let again = ClientMetadata::parse(&told.to_object(), &rules(Administrator));
        assert_eq!(again.as_ref(), Ok(&told), "RFC 7592 §2.2: {patch}");
    }
}

#[test]
fn a_scope_of_which_nothing_is_left_can_be_read_again() {
    // RFC 7591 §2: the server may refuse, or give less; then what it gave must be readable.
    let Ok(told) = parse(Dynamic, object(json!({"scope": "admin"}))) else { return };
    assert!(told.scope.is_empty(), "DC03");
    // Rows are read through the same door.
    let again = ClientMetadata::parse(&told.to_object(), &rules(Administrator));
    assert_eq!(again, Ok(told), "RFC 7592 §2.2");
}
