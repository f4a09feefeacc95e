//! Proof Key for Code Exchange: RFC 7636, RFC 9700 §2.1.1 and §4.8.2.

use chancery::protocol::proof_key::{CodeChallenge, check};

use super::{CHALLENGE, VERIFIER, refusal};

const S256: Option<&str> = Some("S256");

/// Spoiled challenges and methods.
const CHALLENGES: &[(&str, Option<&str>, Option<&str>, &str)] = &[
    ("PK02 plain", Some(CHALLENGE), Some("plain"), "Method"),
    ("PK02 no method means plain", Some(CHALLENGE), None, "Method"),
    ("PK02 empty method", Some(CHALLENGE), Some(""), "Method"),
    ("RFC 7636 §4.3 case of the method", Some(CHALLENGE), Some("s256"), "Method"),
    ("RFC 7636 §4.3 another method", Some(CHALLENGE), Some("S512"), "Method"),
    ("RFC 7636 §4.3 method alone", None, S256, "MethodAlone"),
    ("PK07 empty challenge", Some(""), S256, "Challenge"),
    ("RFC 7636 §4.2 42 characters", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c"), S256, "Challenge"),
    ("RFC 7636 §4.2 44 characters", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMA"), S256, "Challenge"),
    ("RFC 7636 §4.2 padded", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="), S256, "Challenge"),
    ("RFC 7636 §4.2 base64 of the other kind", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), S256, "Challenge"),
    ("RFC 7636 §4.2 no encoding of 32 bytes", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"), S256, "Challenge"),
    ("RFC 7636 §4.2 a space", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c "), S256, "Challenge"),
];

#[test]
fn a_spoiled_challenge_is_refused() {
    for (rule, challenge, method, expected) in CHALLENGES {
        assert_eq!(refusal(CodeChallenge::parse(*challenge, *method)), *expected, "{rule}");
    }
    assert_eq!(CodeChallenge::parse(None, None).unwrap(), None, "PK01: whether it is needed is for others to say");
    let read = CodeChallenge::parse(Some(CHALLENGE), S256).unwrap().unwrap();
    assert_eq!(read.as_str(), CHALLENGE);
}

/// Spoiled verifiers of a request with a challenge.
const VERIFIERS: &[(&str, Option<&str>, &str)] = &[
    ("PK03 missing", None, "VerifierMissing"),
    ("PK07 empty", Some(""), "Verifier"),
    ("PK04 wrong", Some("aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "Mismatch"),
    ("PK04 case", Some("DBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "Mismatch"),
    ("PK02 the challenge itself", Some(CHALLENGE), "Mismatch"),
    ("PK08 42 characters", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX"), "Verifier"),
    ("PK08 space", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk "), "Verifier"),
    ("PK08 plus", Some("dBjftJeZ4CVP+mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "Verifier"),
    ("PK08 line end", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\n"), "Verifier"),
    ("PK08 beyond ASCII", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjé"), "Verifier"),
    ("PK12 of another flow", Some("0000000000000000000000000000000000000000000"), "Mismatch"),
];

#[test]
fn a_spoiled_verifier_is_refused() {
    let challenge = CodeChallenge::parse(Some(CHALLENGE), S256).unwrap();
    for (rule, verifier, expected) in VERIFIERS {
        assert_eq!(refusal(check(challenge.as_ref(), *verifier)), *expected, "{rule}");
    }
    assert_eq!(check(challenge.as_ref(), Some(VERIFIER)), Ok(()), "RFC 7636 Appendix B");
}

#[test]
fn a_verifier_comes_if_and_only_if_there_was_a_challenge() {
    assert_eq!(refusal(check(None, Some(VERIFIER))), "VerifierUnexpected", "PK05");
    assert_eq!(refusal(check(None, Some(""))), "VerifierUnexpected", "PK05 empty");
    assert_eq!(check(None, None), Ok(()));
}

#[test]
fn a_verifier_has_43_to_128_characters() {
    for (length, expected) in [(42, "Verifier"), (43, "Mismatch"), (128, "Mismatch"), (129, "Verifier")] {
        let challenge = CodeChallenge::parse(Some(CHALLENGE), S256).unwrap();
        let verifier = "~".repeat(length);
        assert_eq!(refusal(check(challenge.as_ref(), Some(&verifier))), expected, "PK08 {length}");
    }
}

#[test]
fn a_stored_challenge_that_is_empty_matches_nothing() {
    let stored = CodeChallenge::stored(String::new());
    for verifier in [None, Some(""), Some(VERIFIER)] {
        assert!(check(Some(&stored), verifier).is_err(), "PK07 {verifier:?}");
    }
}
