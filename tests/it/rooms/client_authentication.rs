//! Client authentication: RFC 6749 §2.3, OpenID Connect Core §9, RFC 7523 §3.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chancery::protocol::client::Client;
use chancery::protocol::client_authentication::{
    AssertionUse, AuthenticatedClient, CLOCK_SKEW, ClientAuthenticationError as Refused, Credential, Failures,
    Presented, check,
};
use chancery::protocol::error_code::ErrorCode;
use chancery::protocol::secret::Secret;
use chancery::protocol::signature::SignatureAlgorithm;
use chancery::protocol::signing_key::{Hs256Key, SigningKey};
use chancery::protocol::tenant_settings::AssertionAudience::{self, Issuer, IssuerOrTokenEndpoint};
use serde_json::{Map, Value, json};

use super::{
    ISSUER, KEY, NOW, SECRET, TOKEN_ENDPOINT, assertion_rules, client, client_id, object, params, read_object, refusal,
};

const ASSERTION_TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

type Checked = Result<(AuthenticatedClient, Option<AssertionUse>), Refused>;

/// Header and body of a request, with `base64(…)` in place of what is to be encoded.
fn read(header: &str, body: &str) -> Result<Presented, Refused> {
    let encoded = header.split_once("base64(").and_then(|(before, rest)| {
        let (plain, after) = rest.rsplit_once(')')?;
        Some(format!("{before}{}{after}", STANDARD.encode(plain)))
    });
    let header = encoded.as_deref().unwrap_or(header);
    Presented::read((!header.is_empty()).then_some(header), &params(body))
}

/// Credentials that cannot even be looked at.
const UNREADABLE: &[(&str, &str, &str, &str)] = &[
    ("CA01 nothing", "", "", "Missing"),
    ("CA01 empty", "", "client_id=&client_secret=", "Missing"),
    ("CA03 secret without a name", "", "client_secret=x", "Missing"),
    ("RFC 6749 §2.3 header and body", "Basic base64(app:x)", "client_secret=x", "SeveralMethods"),
    ("RFC 6749 §2.3 header and assertion", "Basic base64(app:x)", "client_assertion=x", "SeveralMethods"),
    ("RFC 6749 §2.3 body and assertion", "", "client_secret=x&client_assertion=x", "SeveralMethods"),
    ("RFC 6749 §2.3 two names", "Basic base64(app:x)", "client_id=eve", "Malformed"),
    ("CA07 two colons", "Basic base64(app:x:y)", "", "Malformed"),
    ("CA07 no colon", "Basic base64(app)", "", "Malformed"),
    ("CA07 nothing behind", "Basic ", "", "Malformed"),
    ("CA07 the scheme alone", "Basic", "", "Malformed"),
    ("CA07 tab", "Basic\tbase64(app:x)", "", "Malformed"),
    ("CA07 two spaces", "Basic  base64(app:x)", "", "Malformed"),
    ("CA07 space behind", "Basic base64(app:x) ", "", "Malformed"),
    ("CA07 no padding", "Basic YXBwOng", "", "Malformed"),
    ("CA07 base64 of the other kind", "Basic YXBwOj8_", "", "Malformed"),
    ("CA07 not encoded", "Basic app:x", "", "Malformed"),
    ("CA07 not UTF-8", "Basic /zp4", "", "Malformed"),
    ("CA07 not UTF-8 in escapes", "Basic base64(app:%ff)", "", "Malformed"),
    ("CA07 another scheme", "Bearer base64(app:x)", "", "Malformed"),
    ("CA07 nobody", "Basic base64(:x)", "", "UnknownClient"),
    ("RFC 6749 A.1 no client_id", "Basic base64(a%00b:x)", "", "UnknownClient"),
    ("RFC 6749 A.1 beyond ASCII", "", "client_id=%C3%A9", "UnknownClient"),
    ("RFC 9068 §5 a person's name", "", "client_id=00000000-0000-4000-8000-000000000001", "UnknownClient"),
    ("RFC 7523 §2.2 no type", "", "client_assertion=a.b.c", "Malformed"),
    (
        "RFC 7523 §2.2 another type",
        "",
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Asaml2-bearer&client_assertion=a.b.c",
        "Malformed",
    ),
];

#[test]
fn what_cannot_be_read_names_nobody() {
    for (rule, header, body, expected) in UNREADABLE {
        let result = refusal(read(header, body));
        assert!(result.starts_with(expected), "{rule}: {result}");
    }
}

#[test]
fn an_assertion_that_cannot_be_read_names_nobody() {
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = b64(r#"{"alg":"ES256"}"#);
    let jws = |claims: &str| format!("{header}.{}.AAAA", b64(claims));
    for (rule, assertion) in [
        ("RFC 7515 §7.1 one part", "x".to_owned()),
        ("RFC 7515 §7.1 two parts", format!("{header}.{header}")),
        ("JW01 no signature", format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(r#"{"sub":"app"}"#))),
        ("JW01 none", format!("{}.{}.AAAA", b64(r#"{"alg":"none"}"#), b64(r#"{"sub":"app"}"#))),
        ("RFC 7523 §3 no claims", jws("[]")),
        ("RFC 7523 §3 no sub", jws(r#"{"iss":"app"}"#)),
        ("RFC 7523 §3 sub is no text", jws(r#"{"sub":1}"#)),
        ("RFC 7519 §4 sub twice", jws(r#"{"sub":"app","sub":"eve"}"#)),
        ("RFC 7521 §4.2 another client_id", jws(r#"{"sub":"eve"}"#)),
    ] {
        let body = format!("client_id=app&client_assertion_type={ASSERTION_TYPE}&client_assertion={assertion}");
        assert!(refusal(read("", &body)).starts_with("Malformed"), "{rule}");
    }
}

#[test]
fn credentials_are_read_as_the_standard_writes_them() {
    for (rule, header, body, id, secret) in [
        ("RFC 6749 §2.3.1", "Basic base64(app:x)", "", "app", "Basic x"),
        ("RFC 9110 §11.1 case of the scheme", "bAsIc base64(app:x)", "", "app", "Basic x"),
        ("RFC 6749 §2.3.1 form encoded", "Basic base64(my+app%3A:a%2Bb%3Ac+d)", "", "my app:", "Basic a+b:c d"),
        ("RFC 6749 §2.3.1 UTF-8", "Basic base64(app:%C3%A9)", "", "app", "Basic é"),
        ("RFC 6749 §2.3.1 empty secret", "Basic base64(app:)", "", "app", "Basic "),
        ("the same name twice", "Basic base64(app:x)", "client_id=app", "app", "Basic x"),
        ("in the body", "", "client_id=app&client_secret=a%2Bb", "app", "Post a+b"),
        ("the name alone", "", "client_id=app", "app", "None"),
        ("an empty secret is none", "", "client_id=app&client_secret=", "app", "None"),
    ] {
        let presented = read(header, body).unwrap_or_else(|error| panic!("{rule}: {error}"));
        let credential = match &presented.credential {
            Credential::None => "None".to_owned(),
            Credential::Basic(secret) => format!("Basic {}", secret.expose()),
            Credential::Post(secret) => format!("Post {}", secret.expose()),
            Credential::Assertion(jwt) => jwt.clone(),
        };
        assert_eq!((presented.client_id.as_str(), credential.as_str()), (id, secret), "{rule}");
    }
}

fn of_method(method: &str) -> Client {
    client(json!({"token_endpoint_auth_method": method, "jwks": {"keys": [KEY.public_jwk()]}}))
}

fn check_as(client: Client, credential: Credential, audience: AssertionAudience) -> Checked {
    let presented = Presented { client_id: client.id.clone(), credential };
    let keys = client.keys.clone();
    check(&presented, Arc::new(client), keys.as_deref(), &assertion_rules(audience))
}

#[test]
fn another_method_than_the_registered_one_is_a_downgrade() {
    const METHODS: [&str; 5] =
        ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];
    let claims = good_claims();
    let credential = |method: &str| match method {
        "none" => Credential::None,
        "client_secret_basic" => Credential::Basic(Secret::new(SECRET)),
        "client_secret_post" => Credential::Post(Secret::new(SECRET)),
        "client_secret_jwt" => Credential::Assertion(mac(SECRET, &claims)),
        _ => Credential::Assertion(KEY.sign_compact("JWT", &claims).unwrap()),
    };
    for registered in METHODS {
        for shown in METHODS {
            let result = check_as(of_method(registered), credential(shown), Issuer);
            let both =
                |end: [&str; 2]| [registered, shown].iter().all(|method| end.iter().any(|end| method.ends_with(end)));
            let expected = match registered == shown {
                true => "accepted",
                // RFC 6749 §2.3.1: the same secret, in the header or in the body.
                false if both(["_basic", "_post"]) => "accepted",
                // CA19: both are assertions; the key tells them apart.
                false if both(["_jwt", "_jwt"]) => "Assertion",
                false => "OtherMethod",
            };
            assert!(refusal(result).starts_with(expected), "CA05 {shown} of a client with {registered}");
        }
    }
}

#[test]
fn a_wrong_secret_or_a_client_switched_off_is_refused() {
    type Row = (&'static str, &'static str, fn(&mut Client), &'static str);
    const ROWS: &[Row] = &[
        ("CA02 another", "0123456789abcdef0123456789abcdeF", |_| (), "WrongSecret"),
        ("CA02 a part", "0123456789abcdef", |_| (), "WrongSecret"),
        ("CA02 more", "0123456789abcdef0123456789abcdef0", |_| (), "WrongSecret"),
        ("CA02 empty", "", |_| (), "WrongSecret"),
        ("CA02 none is stored", SECRET, |client| client.secret_hash = None, "WrongSecret"),
        ("CA24 switched off", SECRET, |client| client.enabled = false, "UnknownClient"),
        ("as it was registered", SECRET, |_| (), "accepted"),
    ];
    for (rule, secret, spoil, expected) in ROWS {
        let credentials: [fn(&str) -> Credential; 2] =
            [|secret| Credential::Basic(Secret::new(secret)), |secret| Credential::Post(Secret::new(secret))];
        for (method, credential) in ["client_secret_basic", "client_secret_post"].into_iter().zip(credentials) {
            let mut client = of_method(method);
            spoil(&mut client);
            let result = refusal(check_as(client, credential(secret), Issuer));
            assert!(result.starts_with(expected), "{rule}, {method}: {result}");
        }
    }
}

#[test]
fn a_proof_is_one_of_the_client_that_was_named() {
    let key = &*KEY;
    for (method, credential) in [
        ("none", Credential::None),
        ("client_secret_basic", Credential::Basic(Secret::new(SECRET))),
        ("client_secret_post", Credential::Post(Secret::new(SECRET))),
        ("client_secret_jwt", Credential::Assertion(mac(SECRET, &good_claims()))),
        ("private_key_jwt", Credential::Assertion(key.sign_compact("JWT", &good_claims()).unwrap())),
    ] {
        let client = Arc::new(of_method(method));
        let mut presented = Presented { client_id: client_id("eve"), credential };
        let named = |presented: &Presented| {
            refusal(check(presented, client.clone(), client.keys.as_deref(), &assertion_rules(Issuer)))
        };
        assert_eq!(named(&presented), "UnknownClient", "RFC 6749 §2.3.1 another was named, {method}");
        presented.client_id = client_id("App");
        assert_eq!(named(&presented), "UnknownClient", "RFC 6749 §2.3.1 nearly the name, {method}");
        presented.client_id = client_id("app");
        assert_eq!(named(&presented), "accepted", "{method}");
    }
}

/// Seconds between failures, seconds until the next attempt, and how long that has to wait.
const FAILURES: &[(&str, &[i64], i64, i64)] = &[
    ("CA08 ten at once", &[0; 10], 0, 60),
    ("CA08 eleven", &[0; 11], 0, 60),
    ("CA08 ten in a minute", &[0, 6, 6, 6, 6, 6, 6, 6, 6, 6], 0, 6),
    ("CA08 ten, the last second", &[0; 10], 59, 1),
    ("RF06 the clock went back", &[0; 10], -3600, 60),
    ("CA08 nine", &[0; 9], 0, 0),
    ("CA08 one", &[0], 0, 0),
    ("CA08 ten, and the minute is over", &[0; 10], 60, 0),
    ("CA08 the tenth begins a new minute", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 60], 0, 0),
];

#[test]
fn guessing_is_slowed_and_opens_again() {
    for (rule, steps, after, expected) in FAILURES {
        let (mut now, mut failures) = (NOW, None);
        for step in *steps {
            now = now.plus(*step);
            failures = Some(Failures::one_more(failures, now));
        }
        assert_eq!(failures.unwrap().wait_seconds(now.plus(*after)), *expected, "{rule}");
    }
}

fn good_claims() -> Map<String, Value> {
    let now = NOW.seconds();
    object(json!({"iss": "app", "sub": "app", "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "1"}))
}

fn mac(secret: &str, claims: &Map<String, Value>) -> String {
    Hs256Key::new(secret.as_bytes()).unwrap().sign_compact("JWT", claims).unwrap()
}

/// Claims of an assertion, one of them spoiled, and words of the refusal. NOW is 1800000000.
const CLAIMS: &[(&str, &str, &str)] = &[
    ("CA18 iss", r#"{"iss": "eve"}"#, "iss and sub"),
    ("CA18 sub", r#"{"sub": "eve"}"#, "iss and sub"),
    ("CA18 both of another", r#"{"iss": "eve", "sub": "eve"}"#, "iss and sub"),
    ("CA18 case", r#"{"iss": "App"}"#, "iss and sub"),
    ("RFC 7523 §3 (1) no iss", r#"{"iss": null}"#, "iss and sub"),
    ("CA11 no aud", r#"{"aud": null}"#, "aud"),
    ("CA11 the token endpoint", r#"{"aud": "https://id.example/t/acme/token"}"#, "aud"),
    ("CA11 of another server", r#"{"aud": "https://evil.example"}"#, "aud"),
    ("CA11 a list", r#"{"aud": ["https://id.example/t/acme"]}"#, "aud"),
    ("CA11 a slash more", r#"{"aud": "https://id.example/t/acme/"}"#, "aud"),
    ("CA11 case", r#"{"aud": "https://ID.example/t/acme"}"#, "aud"),
    ("CA13 sibling", r#"{"aud": "https://id.example/t/acme2"}"#, "aud"),
    ("CA13 parent", r#"{"aud": "https://id.example"}"#, "aud"),
    ("CA16 no exp", r#"{"exp": null}"#, "exp"),
    ("CA16 a text", r#"{"exp": "1800000060"}"#, "exp"),
    ("CA16 negative", r#"{"exp": -1}"#, "exp"),
    ("CA16 ten years", r#"{"exp": 2115360000}"#, "lives longer"),
    ("CA16 beyond all numbers", r#"{"exp": 1e300}"#, "exp"),
    ("CA16 one second too long", r#"{"exp": 1800003631}"#, "lives longer"),
    ("RFC 7523 §3 (4) expired just now", r#"{"exp": 1799999970}"#, "expired"),
    ("RFC 7523 §3 (4) expired", r#"{"exp": 0}"#, "expired"),
    ("RFC 7523 §3 (5) not yet", r#"{"nbf": 1800000031}"#, "future"),
    ("RFC 7523 §3 (5) a text", r#"{"nbf": "now"}"#, "nbf"),
    ("RFC 7523 §3 (6) not yet", r#"{"iat": 1800000031}"#, "future"),
    ("RFC 7523 §3 (6) a list", r#"{"iat": [1]}"#, "iat"),
    ("CA14 no jti", r#"{"jti": null}"#, "jti"),
    ("CA14 empty jti", r#"{"jti": ""}"#, "jti"),
    ("CA14 jti is no text", r#"{"jti": 1}"#, "jti"),
];

/// Claims that are taken all the same.
const TAKEN: &[(&str, &str)] = &[
    ("RFC 7523 §3 as it is", "{}"),
    ("at the limit: an hour and the skew", r#"{"exp": 1800003630}"#),
    ("at the limit: last second", r#"{"exp": 1799999971}"#),
    ("at the limit: nbf", r#"{"nbf": 1800000030}"#),
    ("at the limit: iat", r#"{"iat": 1800000030}"#),
    ("RFC 7519 §2 a fraction", r#"{"exp": 1800000060.5}"#),
    ("RFC 7523 §3 (6) no iat", r#"{"iat": null}"#),
    ("RFC 7519 §4 unknown claims", r#"{"foo": {"bar": 1}}"#),
];

#[test]
fn a_spoiled_claim_is_refused() {
    let patched = |patch: &str| {
        let mut claims = good_claims();
        claims.extend(read_object(patch));
        claims.retain(|_, value| !value.is_null());
        claims
    };
    let check_both = |claims: &Map<String, Value>| {
        let signed = Credential::Assertion(KEY.sign_compact("JWT", claims).unwrap());
        let by_key = refusal(check_as(of_method("private_key_jwt"), signed, Issuer));
        let by_mac = Credential::Assertion(mac(SECRET, claims));
        assert_eq!(refusal(check_as(of_method("client_secret_jwt"), by_mac, Issuer)), by_key, "one rule for both");
        by_key
    };
    for (rule, patch, words) in CLAIMS {
        let result = check_both(&patched(patch));
        assert!(result.starts_with("Assertion(") && result.contains(words), "{rule}: {result}");
    }
    for (rule, patch) in TAKEN {
        assert_eq!(check_both(&patched(patch)), "accepted", "{rule}");
    }
    for (length, taken) in [(256, true), (257, false)] {
        let claims = patched(&json!({"jti": "a".repeat(length)}).to_string());
        assert_eq!(check_both(&claims) == "accepted", taken, "DS05 jti of {length} bytes");
    }
}

#[test]
fn an_audience_is_exact_and_the_policy_is_the_clients_before_the_tenants() {
    for (rule, aud, issuer_alone, either) in [
        ("the issuer", json!(ISSUER), true, true),
        ("CA11 the token endpoint", json!(TOKEN_ENDPOINT), false, true),
        ("CA11 a list of the issuer", json!([ISSUER]), false, true),
        ("CA11 a list with us", json!(["https://other.example", TOKEN_ENDPOINT]), false, true),
        ("CA11 a list without us", json!(["https://other.example"]), false, false),
        ("CA11 empty list", json!([]), false, false),
        ("CA11 another endpoint", json!("https://id.example/t/acme/revoke"), false, false),
        ("CA13 of a sibling", json!("https://id.example/t/other/token"), false, false),
        ("CA11 an object", json!({"iss": ISSUER}), false, false),
    ] {
        let mut claims = good_claims();
        claims.insert("aud".into(), aud);
        let result = |own: Option<AssertionAudience>, tenants: AssertionAudience| {
            let mut client = of_method("client_secret_jwt");
            client.metadata.client_assertion_audience = own;
            check_as(client, Credential::Assertion(mac(SECRET, &claims)), tenants).is_ok()
        };
        assert_eq!((result(None, Issuer), result(None, IssuerOrTokenEndpoint)), (issuer_alone, either), "{rule}");
        assert_eq!(result(Some(Issuer), IssuerOrTokenEndpoint), issuer_alone, "{rule}: stricter for one client");
        assert_eq!(result(Some(IssuerOrTokenEndpoint), Issuer), either, "{rule}: wider for one client");
    }
}

#[test]
fn an_assertion_of_another_key_is_refused() {
    let claims = good_claims();
    let (other, _) = SigningKey::generate(SignatureAlgorithm::Es256).unwrap();
    let posing = SigningKey::generate(SignatureAlgorithm::Es256).unwrap().0.with_kid(KEY.kid());
    let good = KEY.sign_compact("JWT", &claims).unwrap();
    let (input, _) = good.rsplit_once('.').unwrap();
    let public = Value::Object(KEY.public_jwk().clone()).to_string();
    let alg = |name: &'static str| {
        move |client: &mut Client| {
            client.metadata.token_endpoint_auth_signing_alg = Some(name.to_owned());
        }
    };
    type Change = Box<dyn Fn(&mut Client)>;
    let same = || -> Change { Box::new(|_| ()) };
    for (rule, method, jwt, change, taken) in [
        ("RFC 7523 §3 (9) another key", "private_key_jwt", other.sign_compact("JWT", &claims).unwrap(), same(), false),
        (
            "RFC 7523 §3 (9) under its kid",
            "private_key_jwt",
            posing.sign_compact("JWT", &claims).unwrap(),
            same(),
            false,
        ),
        ("RFC 7523 §3 (9) other signature", "private_key_jwt", format!("{input}.{}", "A".repeat(86)), same(), false),
        ("CA19 the public key as secret", "private_key_jwt", mac(&public, &claims), same(), false),
        ("CA19 the secret for a key", "private_key_jwt", mac(SECRET, &claims), same(), false),
        ("CA19 a key for the secret", "client_secret_jwt", good.clone(), same(), false),
        ("CA02 another secret", "client_secret_jwt", mac(&SECRET.to_uppercase(), &claims), same(), false),
        (
            "no keys",
            "private_key_jwt",
            good.clone(),
            Box::new(|client: &mut Client| client.keys = None) as Change,
            false,
        ),
        (
            "no secret",
            "client_secret_jwt",
            mac(SECRET, &claims),
            Box::new(|client: &mut Client| client.mac_secret = None) as Change,
            false,
        ),
        ("OIDC Registration §2 other alg", "private_key_jwt", good.clone(), Box::new(alg("RS256")), false),
        ("OIDC Registration §2 that alg", "private_key_jwt", good.clone(), Box::new(alg("ES256")), true),
        ("OIDC Registration §2 MAC", "client_secret_jwt", mac(SECRET, &claims), Box::new(alg("HS256")), true),
    ] {
        let mut client = of_method(method);
        change(&mut client);
        let result = refusal(check_as(client, Credential::Assertion(jwt), Issuer));
        assert!(result.starts_with(if taken { "accepted" } else { "Assertion(" }), "{rule}: {result}");
    }
    let mut short = of_method("client_secret_jwt");
    short.mac_secret = Some(SECRET.as_bytes()[1..].to_vec().into());
    let jwt = Credential::Assertion(mac(SECRET, &claims));
    assert!(refusal(check_as(short, jwt, Issuer)).contains("HS256"), "CA21 31 bytes");
}

#[test]
fn an_assertion_is_remembered_by_client_and_name_as_long_as_it_is_taken() {
    let used = |id: &str, jti: &str| {
        let mut client = of_method("client_secret_jwt");
        client.id = client_id(id);
        let mut claims = good_claims();
        claims.extend(object(json!({"iss": id, "sub": id, "jti": jti})));
        let (_, used) = check_as(client, Credential::Assertion(mac(SECRET, &claims)), Issuer).unwrap();
        used.unwrap()
    };
    let first = used("app", "1");
    assert_eq!(first.hash.bytes(), used("app", "1").hash.bytes(), "CA14 the same again");
    assert_ne!(first.hash.bytes(), used("app", "2").hash.bytes());
    assert_ne!(first.hash.bytes(), used("app2", "1").hash.bytes(), "RFC 7519 §4.1.7: of one issuer");
    assert_ne!(used("app", "1\n2").hash.bytes(), used("app 1", "2").hash.bytes(), "no two look alike");
    assert_eq!(first.expires_at, NOW.plus(60 + CLOCK_SKEW), "CA14 until nobody would take it");
    let by_secret = check_as(of_method("client_secret_basic"), Credential::Basic(Secret::new(SECRET)), Issuer);
    assert!(by_secret.unwrap().1.is_none());
}

#[test]
fn what_may_be_guessing_is_told_from_what_cannot() {
    let id = || client_id("app");
    for (rule, error, of_a_secret, of_a_key) in [
        ("CA08 nobody", Refused::UnknownClient, true, true),
        ("CA08 secret", Refused::WrongSecret(id()), true, true),
        ("CA08 a secret where there is none", Refused::OtherMethod(id()), true, true),
        ("CA08 a MAC, but no signature", Refused::Assertion(id(), "x".to_owned()), true, false),
        ("CA08 while it waits", Refused::TooManyFailures(id(), 1), false, false),
        ("the right one, twice", Refused::Replayed(id()), false, false),
        ("our own trouble", Refused::KeysUnavailable(id(), "x".to_owned()), false, false),
        ("nothing to look at", Refused::Missing, false, false),
        ("nothing to look at", Refused::Malformed("x"), false, false),
        ("nothing to look at", Refused::SeveralMethods, false, false),
    ] {
        assert_eq!((error.is_guess(true), error.is_guess(false)), (of_a_secret, of_a_key), "{rule}: {error}");
    }
    assert_eq!(Refused::TooManyFailures(id(), 1).code(), ErrorCode::TemporarilyUnavailable, "CA08");
}

#[test]
fn a_stranger_learns_nothing_from_the_code() {
    let id = || client_id("app");
    for error in [
        Refused::Missing,
        Refused::Malformed("x"),
        Refused::UnknownClient,
        Refused::OtherMethod(id()),
        Refused::WrongSecret(id()),
        Refused::Assertion(id(), "x".to_owned()),
        Refused::Replayed(id()),
        Refused::KeysUnavailable(id(), "x".to_owned()),
    ] {
        assert_eq!(error.code(), ErrorCode::InvalidClient, "CA10 {error}");
    }
    assert_eq!(Refused::SeveralMethods.code(), ErrorCode::InvalidRequest, "RFC 6749 §5.2");
    assert_eq!((ErrorCode::InvalidClient.status(), ErrorCode::InvalidRequest.status()), (401, 400));
}
