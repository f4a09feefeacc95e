//! Our own signatures: the standards' vectors, josekit's opinion, and what they cost.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chancery::protocol::{
    json_web_key::{KeySet, VerificationKey, thumbprint},
    jws::{UnverifiedJws, verify_hs256},
    signature::{SignatureAlgorithm as Alg, counts_of_this_thread, keys_parsed, signatures_made},
    signing_key::SigningKey,
};
use josekit::{
    jwk::Jwk,
    jws::{self as second_opinion, JwsHeader, JwsSigner, JwsVerifier},
};
use serde_json::{Value, json};

use crate::jws::{KEYS, b64, object, read, set};

#[test]
fn every_algorithm_agrees_with_josekit_both_ways() {
    for (key, der) in KEYS.iter() {
        let alg = key.algorithm();
        let public = Jwk::from_map(key.public_jwk().clone()).unwrap();
        let (signer, verifier): (Box<dyn JwsSigner>, Box<dyn JwsVerifier>) = match alg {
            Alg::Es256 => (
                Box::new(second_opinion::ES256.signer_from_der(der).unwrap()),
                Box::new(second_opinion::ES256.verifier_from_jwk(&public).unwrap()),
            ),
            // josekit knows the signature, not the name of RFC 9864.
            Alg::EdDsa | Alg::Ed25519 => (
                Box::new(second_opinion::EdDSA.signer_from_der(der).unwrap()),
                Box::new(second_opinion::EdDSA.verifier_from_der(spki_of_ed25519(key)).unwrap()),
            ),
            Alg::Rs256 => (
                Box::new(second_opinion::RS256.signer_from_der(der).unwrap()),
                Box::new(second_opinion::RS256.verifier_from_jwk(&public).unwrap()),
            ),
            Alg::Ps256 => (
                Box::new(second_opinion::PS256.signer_from_der(der).unwrap()),
                Box::new(second_opinion::PS256.verifier_from_jwk(&public).unwrap()),
            ),
        };
        let claims = json!({"sub": "ä", "n": 1});
        let ours = SigningKey::from_pkcs8(alg, der).unwrap().sign_compact("at+jwt", &claims).unwrap();
        let (input, signature) = ours.rsplit_once('.').unwrap();
        verifier.verify(input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let jws = set(&[key]).verify(UnverifiedJws::parse(&ours).unwrap()).unwrap();
        assert_eq!(Value::Object(jws.claims().unwrap()), claims);
        let mut header = JwsHeader::new();
        header.set_key_id(key.kid());
        let theirs = match alg {
            Alg::Ed25519 => {
                let input = format!("{}.{}", b64(r#"{"alg":"Ed25519"}"#), b64(claims.to_string()));
                format!("{input}.{}", b64(signer.sign(input.as_bytes()).unwrap()))
            }
            Alg::Es256 | Alg::EdDsa | Alg::Rs256 | Alg::Ps256 => {
                second_opinion::serialize_compact(claims.to_string().as_bytes(), &header, &*signer).unwrap()
            }
        };
        assert_eq!(read(&set(&[key]), &theirs).unwrap()["sub"], "ä", "{alg}");
        assert_eq!(format!("{key:?}"), format!("SigningKey({alg} {})", key.kid()), "no secrets in Debug");
        assert_eq!((alg.name().parse(), serde_json::to_value(alg).unwrap()), (Ok(alg), json!(alg.name())));
    }
}

/// RFC 8410 §4.
fn spki_of_ed25519(key: &SigningKey) -> Vec<u8> {
    let x = URL_SAFE_NO_PAD.decode(key.public_jwk()["x"].as_str().unwrap_or_default()).unwrap_or_default();
    [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &x].concat()
}

#[test]
fn the_vectors_of_the_standards_verify() {
    let joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let key = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let keys = KeySet::of(vec![VerificationKey::from_jwk(&object(key)).unwrap()]);
    let claims = read(&keys, &format!("eyJhbGciOiJFUzI1NiJ9.{joe}.{signature}")).unwrap();
    assert_eq!(claims["exp"], 1_300_819_380, "RFC 7515 A.3");

    let key = object(json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}));
    assert_eq!(thumbprint(&key).unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RFC 8037 A.3");
    let token = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1P",
        "POt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    let key = VerificationKey::from_jwk(&key).unwrap();
    let jws = UnverifiedJws::parse(token).unwrap().verify_with_key(&key).unwrap();
    assert_eq!(jws.payload(), b"Example of Ed25519 signing", "RFC 8037 A.5");
    let der = [
        &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..],
        &URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap(),
    ]
    .concat();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signed = SigningKey::from_pkcs8(Alg::EdDsa, &der).unwrap().sign(input.as_bytes()).unwrap();
    assert_eq!(b64(signed), signature, "RFC 8037 A.4");

    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let token = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{joe}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
    assert!(verify_hs256(UnverifiedJws::parse(&token).unwrap(), &secret).is_ok(), "RFC 7515 A.1");

    let n = concat!(
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1",
        "L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4",
        "QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO",
        "pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF",
        "Cur-kEgU8awapJzKnqDKgw",
    );
    let key = object(json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}));
    assert_eq!(thumbprint(&key).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RFC 7638 §3.1");

    let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    assert_eq!(Alg::Rs256.left_half_hash(access_token), "77QmUPtjPfzWtF2AnpK9RQ", "OIDC Core A.4");
    let half = b64(&digest::digest(&digest::SHA512, access_token.as_bytes()).as_ref()[..32]);
    assert_eq!(Alg::EdDsa.left_half_hash(access_token), half, "OIDC Core §3.1.3.6, RFC 8032 §5.1");
}

#[test]
fn keys_are_parsed_once_and_signatures_are_counted() {
    let (_, der) = &KEYS[0];
    let (all_keys, all_signatures) = (keys_parsed(), signatures_made());
    let key = SigningKey::from_pkcs8(Alg::Es256, der).unwrap();
    let keys = set(&[&key]);
    let before = counts_of_this_thread();
    for _ in 0..3 {
        read(&keys, &key.sign_compact("at+jwt", &json!({})).unwrap()).unwrap();
    }
    let after = counts_of_this_thread();
    assert_eq!(after.keys_parsed, before.keys_parsed, "no key is parsed for a signature");
    assert_eq!(after.signatures_made, before.signatures_made + 3);
    assert!(keys_parsed() >= all_keys + 2 && signatures_made() >= all_signatures + 3);
    assert!(SigningKey::from_pkcs8(Alg::Rs256, der).is_err(), "a key of another algorithm");
}
