//! Keys that sign — RFC 7515 §3.1, §5.1, §7.1; RFC 7518 §3.2 for HMAC.
//!
//! A key is parsed once and kept in an `Arc`; what a signature costs then is the arithmetic
//! (aws-lc-rs), the claims' JSON and base64url. The compact form is put together here, since a
//! header is the same for every token of a key. josekit keeps JWE, and in the tests is the
//! second opinion on everything signed here.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    error::{KeyRejected, Unspecified},
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaSignatureEncoding,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    json_web_key::{KeyError, VerificationKey, thumbprint},
    signature::{SignatureAlgorithm, count_parsed_key, count_signature},
};

/// The fewest bytes of an HS256 secret (RFC 7518 §3.2: as long as the hash).
pub const MIN_HS256_SECRET_BYTES: usize = 32;

/// A private key, parsed once, for one algorithm. Keep it in an `Arc`.
pub struct SigningKey {
    algorithm: SignatureAlgorithm,
    kid: String,
    pair: Pair,
    jwk: Map<String, Value>,
    access_token_header: String,
    jwt_header: String,
}

/// A fault of ours: none of these is a peer's doing.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The library could not make a key.
    #[error("key generation failed")]
    Generate(#[source] Unspecified),
    /// The stored bytes are not a private key of this algorithm.
    #[error("private key rejected")]
    Rejected(#[source] KeyRejected),
    /// The key's public half could not be written as a JWK.
    #[error("public half of the key not usable")]
    Public(#[source] KeyError),
    /// The claims could not be written as JSON.
    #[error("claims not serialisable")]
    Claims(#[source] serde_json::Error),
    /// The library could not sign.
    #[error("signing failed")]
    Sign(#[source] Unspecified),
}

impl SigningKey {
    /// Makes a key, and returns it with its PKCS#8 DER, to be stored encrypted.
    ///
    /// The time goes from 9 µs (ES256) to a few tenths of a second (RSA, 2048 bits): make
    /// RSA keys off the threads that answer requests.
    ///
    /// # Errors
    /// [`SigningError::Generate`].
    pub fn generate(algorithm: SignatureAlgorithm) -> Result<(Self, Zeroizing<Vec<u8>>), SigningError> {
        let (pair, der) = Pair::generate(algorithm).map_err(SigningError::Generate)?;
        Ok((Self::new(algorithm, pair)?, der))
    }

    /// Parses an unencrypted PKCS#8 DER private key. Its `kid` is the thumbprint of RFC 7638
    /// until [`SigningKey::with_kid`] gives another.
    ///
    /// # Errors
    /// [`SigningError::Rejected`] if `der` is no such key, or one of another algorithm.
    pub fn from_pkcs8(algorithm: SignatureAlgorithm, der: &[u8]) -> Result<Self, SigningError> {
        let pair = Pair::parse(algorithm, der).map_err(SigningError::Rejected)?;
        count_parsed_key();
        Self::new(algorithm, pair)
    }

    fn new(algorithm: SignatureAlgorithm, pair: Pair) -> Result<Self, SigningError> {
        let jwk = pair.public_members().map_err(SigningError::Public)?;
        let kid = thumbprint(&jwk).map_err(SigningError::Public)?;
        let unnamed = Self {
            algorithm,
            pair,
            jwk,
            kid: String::new(),
            access_token_header: String::new(),
            jwt_header: String::new(),
        };
        Ok(unnamed.with_kid(&kid))
    }

    /// The same key under this `kid`.
    #[must_use]
    pub fn with_kid(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        for (name, value) in [("use", "sig"), ("alg", self.algorithm.name()), ("kid", kid)] {
            self.jwk.insert(name.into(), value.into());
        }
        self.access_token_header = self.encoded_header("at+jwt");
        self.jwt_header = self.encoded_header("JWT");
        self
    }

    /// The `kid` in its headers and its JWK.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm it signs with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Its public JWK (RFC 7517 §4), with `use`, `alg` and `kid`.
    pub fn public_jwk(&self) -> &Map<String, Value> {
        &self.jwk
    }

    /// Its public half, parsed: what this server verifies its own tokens with.
    ///
    /// # Errors
    /// [`SigningError::Public`].
    pub fn verification_key(&self) -> Result<VerificationKey, SigningError> {
        VerificationKey::from_jwk(&self.jwk).map_err(SigningError::Public)
    }

    /// A compact JWS of the claims (RFC 7515 §7.1), its header `alg`, `typ` and `kid`.
    ///
    /// Headers for `at+jwt` (RFC 9068 §2.1) and `JWT` are kept ready; any other `typ`,
    /// without `application/`, costs a little more.
    ///
    /// # Errors
    /// [`SigningError::Claims`] or [`SigningError::Sign`].
    pub fn sign_compact(&self, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        let payload = serde_json::to_vec(claims).map_err(SigningError::Claims)?;
        self.sign_compact_bytes(typ, &payload)
    }

    /// The same for a payload that is bytes already.
    ///
    /// # Errors
    /// [`SigningError::Sign`].
    pub fn sign_compact_bytes(&self, typ: &str, payload: &[u8]) -> Result<String, SigningError> {
        let sign = |message: &[u8]| self.sign(message);
        match typ {
            "at+jwt" => compact(&self.access_token_header, payload, sign),
            "JWT" => compact(&self.jwt_header, payload, sign),
            other => compact(&self.encoded_header(other), payload, sign),
        }
    }

    /// Signs raw bytes, for what is not a JWS of the forms above. ES256 gives `r || s`.
    ///
    /// # Errors
    /// [`SigningError::Sign`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.pair.sign(message).map_err(SigningError::Sign)?;
        count_signature();
        Ok(signature)
    }

    fn encoded_header(&self, typ: &str) -> String {
        let header = json!({"alg": self.algorithm.name(), "typ": typ, "kid": self.kid});
        URL_SAFE_NO_PAD.encode(header.to_string())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({} {})", self.algorithm, self.kid)
    }
}

/// `header . payload . signature` in one allocation, with room for an RSA signature.
fn compact(
    encoded_header: &str,
    payload: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, SigningError>,
) -> Result<String, SigningError> {
    const SIGNATURE_CHARS: usize = 342;
    let payload_chars = payload.len().div_ceil(3) * 4;
    let length = encoded_header.len() + payload_chars + SIGNATURE_CHARS + 2;
    let mut token = String::with_capacity(length);
    token.push_str(encoded_header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    // §5.1: what is signed is the encoded header and payload.
    let signature = sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// A client's secret as an HS256 key, for `client_secret_jwt` and nothing else.
pub struct Hs256Key(hmac::Key);

/// A secret of fewer than [`MIN_HS256_SECRET_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("HS256 secret shorter than {MIN_HS256_SECRET_BYTES} bytes")]
pub struct ShortSecret;

impl Hs256Key {
    /// A key of the secret's own bytes (OpenID Connect Core §10.1: its UTF-8 octets).
    ///
    /// # Errors
    /// [`ShortSecret`].
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        // RFC 7518 §3.2: at least as long as the hash output.
        if secret.len() < MIN_HS256_SECRET_BYTES {
            return Err(ShortSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// A compact JWS of the claims, its header `alg` and `typ`.
    ///
    /// # Errors
    /// [`SigningError::Claims`].
    pub fn sign_compact(&self, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        let payload = serde_json::to_vec(claims).map_err(SigningError::Claims)?;
        let header = json!({"alg": "HS256", "typ": typ}).to_string();
        compact(&URL_SAFE_NO_PAD.encode(header), &payload, |message| Ok(hmac::sign(&self.0, message).as_ref().to_vec()))
    }

    /// Whether the tag is the message's, compared in constant time.
    pub(super) fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

impl fmt::Debug for Hs256Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hs256Key([secret])")
    }
}

/// The library's key, with what it needs to sign.
enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair, &'static RsaSignatureEncoding),
}

impl Pair {
    fn generate(algorithm: SignatureAlgorithm) -> Result<(Self, Zeroizing<Vec<u8>>), Unspecified> {
        match algorithm {
            SignatureAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                let der = pair.to_pkcs8v1()?.as_ref().to_vec();
                Ok((Self::P256(pair), der.into()))
            }
            SignatureAlgorithm::EdDsa | SignatureAlgorithm::Ed25519 => {
                let pair = Ed25519KeyPair::generate()?;
                // Version 1: what other software reads too.
                let der = pair.to_pkcs8v1()?.as_ref().to_vec();
                Ok((Self::Ed25519(pair), der.into()))
            }
            SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?;
                let der: Pkcs8V1Der<'_> = pair.as_der()?;
                let der = der.as_ref().to_vec();
                Ok((Self::rsa(algorithm, pair), der.into()))
            }
        }
    }

    fn parse(algorithm: SignatureAlgorithm, der: &[u8]) -> Result<Self, KeyRejected> {
        match algorithm {
            SignatureAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Self::P256)
            }
            SignatureAlgorithm::EdDsa | SignatureAlgorithm::Ed25519 => {
                Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519)
            }
            SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256 => {
                rsa::KeyPair::from_pkcs8(der).map(|pair| Self::rsa(algorithm, pair))
            }
        }
    }

    fn rsa(algorithm: SignatureAlgorithm, pair: rsa::KeyPair) -> Self {
        let pss = algorithm == SignatureAlgorithm::Ps256;
        let padding = if pss { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        Self::Rsa(pair, padding)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
            Self::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    /// The members of the public JWK that are its key (RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2).
    fn public_members(&self) -> Result<Map<String, Value>, KeyError> {
        let base64url = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
        let members = match self {
            Self::P256(pair) => {
                // The uncompressed point: 04, x, y.
                let [_, coordinates @ ..] = pair.public_key().as_ref() else {
                    return Err(KeyError::Member("x"));
                };
                let both = coordinates.split_at_checked(32);
                let (x, y) = both.ok_or(KeyError::Member("y"))?;
                json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)})
            }
            Self::Ed25519(pair) => {
                let x = base64url(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
            Self::Rsa(pair, _) => {
                let key = pair.public_key();
                let n = base64url(key.modulus().big_endian_without_leading_zero());
                let e = base64url(key.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "n": n, "e": e})
            }
        };
        match members {
            Value::Object(members) => Ok(members),
            _ => Err(KeyError::Unsupported),
        }
    }
}
