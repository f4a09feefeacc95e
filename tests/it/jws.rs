//! JSON Web Signatures of peers: what is refused, and why.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    signature as lc,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chancery::protocol::{
    json_web_key::KeySet,
    jws::{JwsError, Limits, UnverifiedJws, VerifiedJws, numeric_date, verify_hs256},
    signature::SignatureAlgorithm as Alg,
    signing_key::{Hs256Key, SigningKey},
    strict_json,
};
use josekit::jws as second_opinion;
use serde_json::{Map, Value, json};

/// A key of each algorithm, with its PKCS#8: RSA keys take a while to make.
pub static KEYS: LazyLock<Vec<(SigningKey, Vec<u8>)>> = LazyLock::new(|| {
    let made = |alg| SigningKey::generate(alg).expect("a key");
    Alg::ALL.map(made).into_iter().map(|(key, der)| (key, der.to_vec())).collect()
});

pub fn key(alg: Alg) -> &'static SigningKey {
    &KEYS.iter().find(|(key, _)| key.algorithm() == alg).expect("every algorithm").0
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

pub fn set(keys: &[&SigningKey]) -> KeySet {
    let keys: Vec<_> = keys.iter().map(|key| Value::Object(key.public_jwk().clone())).collect();
    KeySet::parse(&object(json!({"keys": keys}))).expect("a key set")
}

/// Signs whatever stands there.
pub fn forged(key: &SigningKey, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = key.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", b64(signature))
}

pub fn header(key: &SigningKey, more: Value) -> String {
    let mut header = object(json!({"alg": key.algorithm().name(), "kid": key.kid()}));
    header.extend(object(more));
    Value::Object(header).to_string()
}

pub fn read(keys: &KeySet, token: &str) -> Result<Map<String, Value>, JwsError> {
    keys.verify(UnverifiedJws::parse(token)?).and_then(|jws: VerifiedJws| jws.claims())
}

/// The variant's name, with those inside it: enough to tell refusals apart.
pub fn refusal<T, E: std::fmt::Debug>(result: Result<T, E>) -> String {
    result.err().map_or("accepted".to_owned(), |error| format!("{error:?}"))
}

#[test]
fn a_token_spoiled_in_one_place_is_refused() {
    let (key, keys) = (key(Alg::Es256), set(&[key(Alg::Es256)]));
    let claims = r#"{"sub":"a"}"#;
    let signed = |more: Value| forged(key, header(key, more), claims);
    let paid = |payload: &[u8]| forged(key, header(key, json!({})), payload);
    let good = signed(json!({}));
    assert_eq!(read(&keys, &good).unwrap()["sub"], "a");
    let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let utf16: Vec<u8> = claims.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let deep_header = format!(r#"{{"alg":"ES256","a":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let mut changed = URL_SAFE_NO_PAD.decode(signature).unwrap();
    changed[5] ^= 1;
    for (rule, token, refused) in [
        ("JW01 alg none", signed(json!({"alg": "none"})), "Algorithm"),
        ("JW01 alg None", signed(json!({"alg": "None"})), "Algorithm"),
        ("JW01 alg nOnE", signed(json!({"alg": "nOnE"})), "Algorithm"),
        ("JW01 alg none, no signature", format!("{}.{body}.", b64(r#"{"alg":"none"}"#)), "NotCompact"),
        ("JW01 alg missing", forged(key, r#"{"typ":"JWT"}"#, claims), r#"Parameter("alg")"#),
        ("JW01 alg not a text", signed(json!({"alg": 1})), r#"Parameter("alg")"#),
        ("RFC 7515 §4.1.1 case of alg", signed(json!({"alg": "es256"})), "Algorithm"),
        ("RFC 8725 §3.1 alg not the key's", signed(json!({"alg": "PS256"})), "Key(Unknown)"),
        ("JW06 no signature", format!("{head}.{body}."), "NotCompact"),
        ("JW06 two parts", format!("{head}.{body}"), "NotCompact"),
        ("JW06 no payload", format!("{head}..{signature}"), "NotCompact"),
        ("RFC 7515 §5.2 other signature", format!("{head}.{body}.{}", b64(&changed)), "Signature"),
        ("RFC 7515 §5.2 other payload", format!("{head}.{}.{signature}", b64("{}")), "Signature"),
        ("JW08 kid of another", signed(json!({"kid": "another"})), "Key(Unknown)"),
        ("RFC 7515 §4.1.4 kid not a text", signed(json!({"kid": 1})), r#"Parameter("kid")"#),
        ("RFC 7515 §4.1.9 typ not a text", signed(json!({"typ": ["JWT"]})), r#"Parameter("typ")"#),
        ("JW12 crit unknown", signed(json!({"crit": ["x"], "x": 1})), "Extension"),
        ("JW12 crit empty", signed(json!({"crit": []})), "Extension"),
        ("JW12 crit of a known name", signed(json!({"crit": ["typ"], "typ": "JWT"})), "Extension"),
        ("JW12 crit null", signed(json!({"crit": null})), "Extension"),
        ("RFC 7797 §6 b64 false", signed(json!({"b64": false})), "Extension"),
        (
            "JW14 flattened",
            json!({"protected": head, "payload": body, "signature": signature}).to_string(),
            "NotCompact",
        ),
        ("JW14 general", json!({"payload": body, "signatures": [{"protected": head}]}).to_string(), "NotCompact"),
        ("JW14 JWE, five parts", format!("{good}.a.a"), "NotCompact"),
        ("RFC 7515 §2 padding", format!("{good}="), "Encoding"),
        ("RFC 7515 §2 line break", good.replacen('.', "\n.", 1), "Encoding"),
        ("RFC 7515 §2 other alphabet", format!("{head}.{body}.+/+/"), "Encoding"),
        ("RFC 4648 §3.5 spare bits", format!("{head}.{body}.{}", signature.replace(&signature[85..], "_")), "Encoding"),
        ("JW26 header in UTF-16", forged(key, &utf16, claims), "Header(Unreadable"),
        ("JW26 header not UTF-8", forged(key, b"{\"alg\":\"ES256\",\"x\":\"\xff\"}", claims), "Header(Unreadable"),
        ("JW26 byte order mark", forged(key, "\u{feff}{\"alg\":\"ES256\"}", claims), "Header(NotAnObject"),
        ("JW26 claims in UTF-16", paid(&utf16), "Claims(Unreadable"),
        ("JW26 claims not UTF-8", paid(b"{\"sub\":\"\xc3\x28\"}"), "Claims(Unreadable"),
        ("JW26 lone surrogate", paid(br#"{"sub":"\ud800"}"#), "Claims(Unreadable"),
        ("JW27 a megabyte of header", format!("{}.{body}.{signature}", "A".repeat(1 << 20)), "TooLong"),
        ("JW27 5 kB of header", signed(json!({"x": "A".repeat(5000)})), "TooLong"),
        ("JW27 10,000 dots", ".".repeat(10_000), "NotCompact"),
        ("JW27 10,000 dots and letters", "a.".repeat(8_000), "NotCompact"),
        ("JW27 nested header", forged(key, &deep_header, claims), "Header(Unreadable"),
        ("JW27 nested claims", paid(deep.as_bytes()), "Claims(Unreadable"),
        ("RFC 7515 §4 a parameter twice", forged(key, r#"{"alg":"none","alg":"ES256"}"#, claims), "Header(Unreadable"),
        ("RFC 7519 §4 a claim twice", paid(br#"{"sub":"a","sub":"b"}"#), "Claims(Unreadable"),
        ("RFC 7519 §4 escaped, twice", paid(br#"{"sub":"a","s\u0075b":"b"}"#), "Claims(Unreadable"),
        ("RFC 7519 §7.2 claims a list", paid(b"[]"), "Claims(NotAnObject"),
        ("RFC 7519 §7.2 something behind", paid(b"{} {}"), "Claims(Unreadable"),
    ] {
        let result = refusal(read(&keys, &token));
        assert!(result.starts_with(refused), "{rule}: {result}");
    }
    let shown = refusal(read(&keys, &paid(br#""secret""#)));
    assert!(!shown.contains("secret"), "a refusal quotes the token: {shown}");
}

#[test]
fn a_key_in_or_behind_a_header_is_never_used() {
    let ours = key(Alg::Es256);
    let (eve, _) = SigningKey::generate(Alg::Es256).unwrap();
    let keys = set(&[ours]);
    for (rule, more) in [
        ("JW10 jku", json!({"jku": "https://eve.example/jwks"})),
        ("JW10 x5u", json!({"x5u": "https://eve.example/cert"})),
        ("JW11 jwk", json!({"jwk": eve.public_jwk()})),
        ("JW11 x5c", json!({"x5c": ["MIIB"]})),
    ] {
        let by_eve = forged(&eve, header(ours, more.clone()), "{}");
        assert_eq!(refusal(read(&keys, &by_eve)), "Signature", "{rule}");
        // The parameter itself is ignored.
        assert!(read(&keys, &forged(ours, header(ours, more), "{}")).is_ok(), "{rule}");
    }
    let by_eve = forged(&eve, header(&eve, json!({})), "{}");
    assert_eq!(refusal(read(&keys, &by_eve)), "Key(Unknown)", "JW08 kid of another tenant");
    assert!(read(&set(&[ours, &eve]), &by_eve).is_ok(), "two keys, each by its kid");
}

#[test]
fn a_mac_is_never_taken_for_a_signature_nor_the_other_way_round() {
    let rsa = key(Alg::Rs256);
    let n = URL_SAFE_NO_PAD.decode(rsa.public_jwk()["n"].as_str().unwrap()).unwrap();
    let numbers = lc::RsaPublicKeyComponents { n: n.clone(), e: vec![1, 0, 1] };
    let spki: PublicKeyX509Der<'_> = numbers.as_der().unwrap();
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for line in STANDARD.encode(&*spki).as_bytes().chunks(64) {
        pem.push_str(&format!("{}\n", str::from_utf8(line).unwrap()));
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    for (rule, secret) in [
        ("JW02 CA19 modulus", n),
        ("JW02 CA19 JWK", Value::Object(rsa.public_jwk().clone()).to_string().into()),
        ("JW02 CA19 DER", spki.as_ref().to_vec()),
        ("JW02 CA19 PEM", pem.into_bytes()),
    ] {
        let input = format!("{}.{}", b64(header(rsa, json!({"alg": "HS256"}))), b64("{}"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
        let token = format!("{input}.{}", b64(tag));
        assert_eq!(refusal(read(&set(&[rsa]), &token)), "AlgorithmOfKey", "{rule}");
        let parsed = UnverifiedJws::parse(&token).unwrap();
        assert_eq!(parsed.algorithm(), "HS256");
        let key = rsa.verification_key().unwrap();
        assert_eq!(refusal(parsed.verify_with_key(&key)), "AlgorithmOfKey", "{rule}");
        // The MAC itself was right.
        assert!(verify_hs256(UnverifiedJws::parse(&token).unwrap(), &secret).is_ok(), "{rule}");
    }
    let secret = [7; 32];
    let mac = |token: &str, secret: &[u8]| refusal(verify_hs256(UnverifiedJws::parse(token).unwrap(), secret));
    let token = Hs256Key::new(&secret).unwrap().sign_compact("JWT", &json!({})).unwrap();
    for (rule, token, secret, refused) in [
        ("the token itself", &token, &secret[..], "accepted"),
        ("RFC 7518 §3.2 other secret", &token, &[8; 32][..], "Signature"),
        ("CA21 short secret", &token, &secret[..31], "Secret(ShortSecret)"),
        ("CA19 a signature", &forged(rsa, header(rsa, json!({})), "{}"), &secret[..], "AlgorithmOfKey"),
        ("RFC 7518 §3.2 half a tag", &token[..token.len() - 23].to_owned(), &secret[..], "Signature"),
    ] {
        assert_eq!(mac(token, secret), refused, "{rule}");
    }
    let key = second_opinion::HS256.verifier_from_bytes(secret).unwrap();
    assert!(second_opinion::deserialize_compact(&token, &key).is_ok(), "josekit agrees");
}

#[test]
fn ecdsa_signatures_are_64_raw_bytes() {
    let (key, der) = &KEYS[0];
    let keys = set(&[key]);
    let token = key.sign_compact("JWT", &json!({"jti": "1"})).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let pair = lc::EcdsaKeyPair::from_pkcs8(&lc::ECDSA_P256_SHA256_ASN1_SIGNING, der).unwrap();
    let asn1 = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert_eq!(raw.len(), 64);
    for (rule, signature) in [
        ("JW05 DER", asn1.as_ref()),
        ("JW05 too short", &raw[..63]),
        ("JW05 too long", &[&raw[..], &[0]].concat()),
        ("JW05 zeros", &[0; 64]),
    ] {
        assert_eq!(refusal(read(&keys, &format!("{input}.{}", b64(signature)))), "Signature", "{rule}");
    }
    // JW05: (r, n - s) verifies too: a replay is told by `jti`, never by the token's bytes.
    let order = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
    let order = URL_SAFE_NO_PAD.decode(order).unwrap();
    let mut other = raw.clone();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(order[at]) - i16::from(raw[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        other[32 + at] = difference.rem_euclid(256) as u8;
    }
    assert_ne!(other, raw);
    assert_eq!(read(&keys, &format!("{input}.{}", b64(&other))).unwrap()["jti"], "1", "JW05 same jti");
}

#[test]
fn headers_are_as_written_and_types_compare_as_media_types() {
    let key = SigningKey::from_pkcs8(Alg::Es256, &KEYS[0].1).unwrap().with_kid("k\"1");
    for typ in ["at+jwt", "JWT", "logout+jwt"] {
        let token = key.sign_compact(typ, &json!({})).unwrap();
        let (head, _) = token.split_once('.').unwrap();
        let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
        assert_eq!(head, json!({"alg": "ES256", "typ": typ, "kid": "k\"1"}));
        assert!(read(&set(&[&key]), &token).is_ok());
    }
    for (typ, same) in [
        ("at+jwt", true),
        ("AT+JWT", true),
        ("application/at+jwt", true),
        ("Application/AT+jwt", true),
        ("jwt", false),
        ("application/application/at+jwt", false),
        ("text/at+jwt", false),
        ("at+jwt ", false),
        ("", false),
    ] {
        let token = forged(&key, header(&key, json!({"typ": typ})), "{}");
        let jws = UnverifiedJws::parse(&token).unwrap();
        assert_eq!(jws.header().has_type("at+jwt"), same, "RFC 7515 §4.1.9 {typ}");
    }
    let token = forged(&key, header(&key, json!({})), "{}");
    assert!(!UnverifiedJws::parse(&token).unwrap().header().has_type("at+jwt"), "absent");
    for (bytes, accepted) in [(token.len(), true), (token.len() - 1, false)] {
        let limits = Limits { token_bytes: bytes, ..Limits::DEFAULT };
        assert_eq!(UnverifiedJws::parse_within(&token, &limits).is_ok(), accepted, "JW27 at the limit");
    }
}

#[test]
fn dates_are_whole_seconds_of_four_digit_years() {
    for (rule, date, expected) in [
        ("RFC 7519 §2", "1300819380", "Ok(1300819380)"),
        ("RFC 7519 §2 zero", "0", "Ok(0)"),
        ("RFC 7519 §2 fraction", "1300819380.9", "Ok(1300819380)"),
        ("RFC 8259 §6 exponent", "1.3e9", "Ok(1300000000)"),
        ("JW21 the last second", "253402300799", "Ok(253402300799)"),
        ("JW21 one past it", "253402300800", "Err(OutOfRange)"),
        ("JW21 a fraction past it", "253402300799.5", "Err(OutOfRange)"),
        ("JW21 huge", "18446744073709551615", "Err(OutOfRange)"),
        ("JW21 huge exponent", "1e300", "Err(OutOfRange)"),
        ("JW21 negative", "-1", "Err(OutOfRange)"),
        ("JW21 negative fraction", "-0.5", "Err(OutOfRange)"),
        ("JW21 text", "\"1300819380\"", "Err(NotANumber)"),
        ("JW21 null", "null", "Err(NotANumber)"),
        ("JW21 list", "[1300819380]", "Err(NotANumber)"),
        ("JW21 true", "true", "Err(NotANumber)"),
    ] {
        let claims = strict_json::object(format!("{{\"exp\":{date}}}").as_bytes(), 2).unwrap();
        assert_eq!(format!("{:?}", numeric_date(&claims["exp"])), expected, "{rule}");
    }
    for number in ["NaN", "Infinity", "1e999", "01", "+1"] {
        assert!(strict_json::object(format!("{{\"exp\":{number}}}").as_bytes(), 2).is_err(), "JW21 {number}");
    }
}
