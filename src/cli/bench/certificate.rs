//! A certificate for `localhost`, signed by itself — RFC 5280 §4.1, ITU-T X.690: for measuring TLS, and nothing
//! else. It is made for the run and thrown away with it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::failed;
use crate::cli::SetupError;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// ecdsa-with-SHA256 (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// id-ecPublicKey and secp256r1 (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// id-at-commonName and id-ce-subjectAltName (RFC 5280 Appendix A).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// A certificate and its key, as PEM.
pub(super) struct Pair {
    /// The certificate.
    pub(super) certificate: String,
    /// The key.
    pub(super) key: String,
}

/// Makes a pair.
pub(super) fn make() -> Result<Pair, SetupError> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
    let algorithm = der(SEQUENCE, &[&der(OBJECT_IDENTIFIER, &[ECDSA_WITH_SHA256])]);
    let body = body(&algorithm, key.public_key().as_ref());
    let signature = key.sign(&SystemRandom::new(), &body).map_err(failed)?;
    let certificate = der(SEQUENCE, &[&body, &algorithm, &der(BIT_STRING, &[&[0], signature.as_ref()])]);
    let private = key.to_pkcs8v1().map_err(failed)?;
    Ok(Pair { certificate: pem("CERTIFICATE", &certificate), key: pem("PRIVATE KEY", private.as_ref()) })
}

/// TBSCertificate.
fn body(algorithm: &[u8], point: &[u8]) -> Vec<u8> {
    let object = |id: &[u8]| der(OBJECT_IDENTIFIER, &[id]);
    let name =
        der(SEQUENCE, &[&der(SET, &[&der(SEQUENCE, &[&object(COMMON_NAME), &der(UTF8_STRING, &[b"localhost"])])])]);
    let validity = der(SEQUENCE, &[&der(UTC_TIME, &[b"000101000000Z"]), &der(GENERALIZED_TIME, &[b"20991231235959Z"])]);
    let curve = der(SEQUENCE, &[&object(EC_PUBLIC_KEY), &object(SECP256R1)]);
    let public_key = der(SEQUENCE, &[&curve, &der(BIT_STRING, &[&[0], point])]);
    // [2] is dNSName.
    let names = der(OCTET_STRING, &[&der(SEQUENCE, &[&der(0x82, &[b"localhost"])])]);
    let extensions = der(0xa3, &[&der(SEQUENCE, &[&der(SEQUENCE, &[&object(SUBJECT_ALT_NAME), &names])])]);
    let version = der(0xa0, &[&der(INTEGER, &[&[2]])]);
    der(SEQUENCE, &[&version, &der(INTEGER, &[&[1]]), algorithm, &name, &validity, &name, &public_key, &extensions])
}

/// Tag, length, contents (X.690 §8.1).
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = contents.len().to_be_bytes();
    let mut out = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        Ok(_) | Err(_) => {
            let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            out.extend(digits);
        }
    }
    out.extend(contents);
    out
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}
