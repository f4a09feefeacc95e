//! JSON Web Keys and key sets of peers: what is refused, what is ignored, which one is chosen.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chancery::protocol::{
    json_web_key::{KeySet, MAX_KEYS, VerificationKey},
    jws::UnverifiedJws,
    signature::SignatureAlgorithm as Alg,
    signing_key::SigningKey,
};
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use serde_json::{Value, json};

use crate::jws::{b64, forged, header, key, object, read, refusal};

#[test]
fn a_spoiled_key_is_refused() {
    let (ec, rsa) = (key(Alg::Es256).public_jwk(), key(Alg::Rs256).public_jwk());
    let ed = key(Alg::EdDsa).public_jwk();
    let x = ec["x"].as_str().unwrap();
    let n = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    let p384 = EcKeyPair::generate(EcCurve::P384).unwrap().to_jwk_public_key();
    let small = |byte: u8| b64([&[byte][..], &[0; 31]].concat());
    let order_8 = "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU";
    let not_reduced = b64([&[0xee][..], &[0xff; 31]].concat());
    let even = b64([&n[..255], &[n[255] & 0xfe]].concat());
    for (rule, key, more, refused) in [
        ("JW03 P-384 as ES256", p384.as_ref(), json!({"alg": "ES256"}), "Unsupported"),
        ("JW03 P-384 called P-256", p384.as_ref(), json!({"crv": "P-256"}), r#"Member("x")"#),
        ("JW03 alg of another curve", ec, json!({"alg": "ES384"}), "Algorithm"),
        ("JW03 alg of another kind", ec, json!({"alg": "RS256"}), "Algorithm"),
        ("JW01 alg none", ec, json!({"alg": "none"}), "Algorithm"),
        ("JW02 alg HS256", rsa, json!({"alg": "HS256"}), "Algorithm"),
        ("JW02 symmetric", ec, json!({"kty": "oct", "k": "AAAA"}), r#"Private("k")"#),
        ("DC08 EC d", ec, json!({"d": "AAAA"}), r#"Private("d")"#),
        ("DC08 OKP d", ed, json!({"d": null}), r#"Private("d")"#),
        ("DC08 RSA p", rsa, json!({"p": "AAAA"}), r#"Private("p")"#),
        ("DC08 RSA qi", rsa, json!({"qi": "AAAA"}), r#"Private("qi")"#),
        ("RFC 7517 §4.1 kty", ec, json!({"kty": "ec"}), "Unsupported"),
        ("RFC 7517 §4.1 kty absent", ec, json!({"kty": 1}), r#"Member("kty")"#),
        ("RFC 7517 §4.2 use", ec, json!({"use": "enc"}), "Use"),
        ("RFC 7517 §4.3 key_ops", ec, json!({"key_ops": ["encrypt"]}), "Use"),
        ("RFC 7517 §4.3 key_ops empty", ec, json!({"key_ops": []}), "Use"),
        ("RFC 7517 §4.3 key_ops twice", ec, json!({"key_ops": ["verify", "verify"]}), r#"Member("key_ops")"#),
        ("RFC 7517 §4.5 kid", ec, json!({"kid": 1}), r#"Member("kid")"#),
        ("RFC 7518 §6.2.1.2 short x", ec, json!({"x": &x[..42]}), r#"Member("x")"#),
        ("RFC 7518 §6.2.1.3 y", ec, json!({"y": x}), "Rejected"),
        ("RFC 7518 §6.2.1.3 y absent", ec, json!({"y": null}), r#"Member("y")"#),
        ("RFC 7515 §2 padding", ec, json!({"x": format!("{x}=")}), r#"Member("x")"#),
        ("RFC 7518 §3.3 1024 bits", rsa, json!({"n": b64(&n[..128])}), "Size(1024)"),
        (
            "RFC 7518 §3.3 2047 bits",
            rsa,
            json!({"n": b64([&[n[0] & 0x7f | 0x40][..], &n[1..]].concat())}),
            "Size(2047)",
        ),
        ("RFC 7518 §3.3 8200 bits", rsa, json!({"n": b64(n.repeat(5))}), "Size(10240)"),
        ("RFC 7518 §2 leading zero", rsa, json!({"n": b64([&[0][..], &n].concat())}), r#"Member("n")"#),
        ("RFC 8017 §3.1 even modulus", rsa, json!({"n": even}), r#"Member("n")"#),
        ("RFC 8017 §3.1 even exponent", rsa, json!({"e": "AQAA"}), r#"Member("e")"#),
        ("RFC 8017 §3.1 exponent 1", rsa, json!({"e": "AQ"}), r#"Member("e")"#),
        ("RFC 8017 §3.1 huge exponent", rsa, json!({"e": b64([1; 5])}), r#"Member("e")"#),
        ("RFC 8037 §2 X25519", ed, json!({"crv": "X25519"}), "Unsupported"),
        ("RFC 8037 §2 short", ed, json!({"x": "AAAA"}), r#"Member("x")"#),
        ("RFC 8032 §5.1 order 4", ed, json!({"x": small(0)}), "WeakPoint"),
        ("RFC 8032 §5.1 neutral", ed, json!({"x": small(1)}), "WeakPoint"),
        ("RFC 8032 §5.1 order 8", ed, json!({"x": order_8}), "WeakPoint"),
        ("RFC 8032 §5.1.3 not reduced", ed, json!({"x": not_reduced}), "WeakPoint"),
    ] {
        let mut key = key.clone();
        key.extend(object(more));
        let result = refusal(VerificationKey::from_jwk(&key));
        assert!(result.starts_with(refused), "{rule}: {result}");
    }
}

#[test]
fn a_set_keeps_what_it_can_use_and_chooses_one_key() {
    let (es, rs) = (key(Alg::Es256), key(Alg::Rs256));
    let anonymous = |key: &SigningKey| {
        let mut jwk = key.public_jwk().clone();
        jwk.retain(|name, _| !["kid", "alg", "use"].contains(&name.as_str()));
        Value::Object(jwk)
    };
    let of = |keys: Value| KeySet::parse(&object(json!({"keys": keys, "other": 1})));
    let unnamed = |key: &SigningKey| {
        let header = json!({"alg": key.algorithm().name()}).to_string();
        forged(key, header, "{}")
    };
    // OpenID Connect Core §10.1: a kid is needed once there is a choice.
    let two = of(json!([anonymous(es), anonymous(rs), {"kty": "new"}, {"kty": "EC", "use": "enc"}])).unwrap();
    assert_eq!((two.keys().len(), two.ignored().len()), (2, 2), "RFC 7517 §5");
    assert!(read(&two, &unnamed(es)).is_ok() && read(&two, &unnamed(rs)).is_ok());
    assert_eq!(refusal(read(&two, &forged(es, header(es, json!({})), "{}"))), "Key(Unknown)", "kid only in the token");
    let same = of(json!([anonymous(es), es.public_jwk()])).unwrap();
    assert_eq!(refusal(read(&same, &unnamed(es))), "Key(Ambiguous)");
    // Without alg an RSA key serves both paddings; with alg only its own.
    let ps = |key: &SigningKey| key.verification_key().unwrap().allows(Alg::Ps256);
    let token = unnamed(es);
    let by_other = UnverifiedJws::parse(&token).unwrap().verify_with_key(&two.keys()[1]);
    assert_eq!(refusal(by_other), "AlgorithmOfKey", "RFC 8725 §3.1");
    assert!(two.keys()[1].allows(Alg::Ps256) && two.keys()[1].allows(Alg::Rs256) && !ps(rs));
    for (rule, keys, refused) in [
        ("DC08 one private key", json!([es.public_jwk(), {"kty": "EC", "d": "AAAA"}]), r#"Private("d")"#),
        ("DC08 one symmetric key", json!([{"kty": "oct", "k": "AAAA"}]), r#"Private("k")"#),
        ("RFC 7517 §5.1 not a list", json!({}), "NoKeys"),
        ("RFC 7517 §5.1 not keys", json!(["a"]), "NoKeys"),
        ("32 keys", json!(vec![json!({"kty": "new"}); MAX_KEYS]), "accepted"),
        ("33 keys", json!(vec![json!({"kty": "new"}); MAX_KEYS + 1]), "TooManyKeys"),
    ] {
        assert_eq!(refusal(of(keys)), refused, "{rule}");
    }
    for (rule, document, refused) in [
        ("JW27 long", " ".repeat(200_000), "TooLong"),
        ("RFC 7517 §5 twice", r#"{"keys":[],"keys":[]}"#.into(), "Json(Unreadable"),
        ("JW27 nested", format!(r#"{{"keys":{}{}}}"#, "[".repeat(9), "]".repeat(9)), "Json(Unreadable"),
        ("RFC 7517 §5 empty", r#"{"keys":[]}"#.into(), "accepted"),
    ] {
        let result = refusal(KeySet::parse_document(document.as_bytes()));
        assert!(result.starts_with(refused), "{rule}: {result}");
    }
}
