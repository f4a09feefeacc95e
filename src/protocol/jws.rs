//! Reading what a peer signed — RFC 7515 §4, §5.2, §7.1; RFC 7797; RFC 8725 §3 — and the
//! dates in it — RFC 7519 §2.
//!
//! ```text
//! &str ── parse ──▶ UnverifiedJws ── verify … ──▶ VerifiedJws
//! ```
//!
//! Only the compact form; the JSON forms are refused. What the claims must say (`iss`, `aud`,
//! `exp`, `typ` …) is decided in the room that knows the rule.
//! Left out: keys and addresses in a header (`jwk`, `jku`, `x5c`, `x5u`) choose no key here
//! and are followed by nobody; RFC 9449's room reads its `jwk` through [`Header::member`].

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{
    json_web_key::{BadSignature, KeySet, SelectError, VerificationKey},
    signature::SignatureAlgorithm,
    signing_key::{Hs256Key, ShortSecret},
    strict_json::{self, JsonError},
};

/// How large a JWS from a peer may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of the whole compact form.
    pub token_bytes: usize,
    /// The most bytes of the encoded header.
    pub header_bytes: usize,
    /// The most levels of nesting in header and claims, the outermost one included.
    pub depth: usize,
}

impl Limits {
    /// 16 KiB, of which 4 KiB header; 16 levels. Assertions and proofs stay under 2 KiB, and
    /// request objects with `authorization_details` need a few levels.
    pub const DEFAULT: Self = Self { token_bytes: 16 * 1024, header_bytes: 4 * 1024, depth: 16 };
}

/// Why a JWS is refused: always the peer's fault. No text quotes the token.
#[derive(Debug, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`Limits`] allow.
    #[error("JWS too long")]
    TooLong,
    /// Not three parts, none of them empty: the JSON form, a JWE, or no signature.
    #[error("not a compact JWS of three parts")]
    NotCompact,
    /// A part is not base64url, with padding, or not in its canonical form.
    #[error("JWS part is not base64url")]
    Encoding,
    /// The header is not a JSON object we read.
    #[error("JWS header is not readable")]
    Header(#[source] JsonError),
    /// A header parameter is missing or not of its type.
    #[error("JWS header parameter {0} missing or malformed")]
    Parameter(&'static str),
    /// `alg` is `none`, or one we do not have.
    #[error("JWS algorithm not supported")]
    Algorithm,
    /// `crit` or `b64` asks for an extension.
    #[error("JWS needs an extension")]
    Extension,
    /// No key, or more than one, fits the header.
    #[error("no key for the JWS")]
    Key(#[from] SelectError),
    /// The key may not be used with the header's `alg`.
    #[error("JWS algorithm is not the key's")]
    AlgorithmOfKey,
    /// The client's secret is too short to be an HS256 key.
    #[error("client secret unfit for HS256")]
    Secret(#[from] ShortSecret),
    /// The signature is not this key's over this header and payload.
    #[error("JWS signature is wrong")]
    Signature,
    /// The payload is not a JSON object we read.
    #[error("JWS claims are not readable")]
    Claims(#[source] JsonError),
}

impl From<BadSignature> for JwsError {
    fn from(_: BadSignature) -> Self {
        Self::Signature
    }
}

/// The algorithm a header names: a signature's, or the one MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderAlgorithm {
    /// A public key signature.
    Signature(SignatureAlgorithm),
    /// `HS256` (RFC 7518 §3.2): only [`verify_hs256`] takes it.
    Hs256,
}

/// A JOSE header that was read (RFC 7515 §4).
#[derive(Clone, Debug)]
pub struct Header {
    algorithm: HeaderAlgorithm,
    members: Map<String, Value>,
}

impl Header {
    fn parse(json: &[u8], depth: usize) -> Result<Self, JwsError> {
        let members = strict_json::object(json, depth).map_err(JwsError::Header)?;
        // §4.1.1: `alg` must be present, and one we have.
        let algorithm = match members.get("alg").and_then(Value::as_str) {
            None => return Err(JwsError::Parameter("alg")),
            Some("HS256") => HeaderAlgorithm::Hs256,
            Some(name) => HeaderAlgorithm::Signature(name.parse().map_err(|_| JwsError::Algorithm)?),
        };
        // §4.1.11: no extension is understood here, so any `crit` is refused, an empty one too.
        // RFC 7797 §6: `b64` without `crit` is a fault, and with it an extension.
        if members.contains_key("crit") || members.contains_key("b64") {
            return Err(JwsError::Extension);
        }
        for name in ["typ", "kid", "cty"] {
            if members.get(name).is_some_and(|value| !value.is_string()) {
                return Err(JwsError::Parameter(name));
            }
        }
        Ok(Self { algorithm, members })
    }

    /// The algorithm it names.
    pub fn algorithm(&self) -> HeaderAlgorithm {
        self.algorithm
    }

    /// `kid`, if present.
    pub fn kid(&self) -> Option<&str> {
        self.text("kid")
    }

    /// `typ`, if present, as it stands; compare with [`Header::has_type`].
    pub fn typ(&self) -> Option<&str> {
        self.text("typ")
    }

    /// Whether `typ` is present and this media type, in any case of letters, with or
    /// without `application/` (RFC 7515 §4.1.9).
    pub fn has_type(&self, expected: &str) -> bool {
        let typ = self.typ().map(without_application);
        typ.is_some_and(|typ| typ.eq_ignore_ascii_case(without_application(expected)))
    }

    /// Any other parameter; nothing in it has been checked.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }
}

/// RFC 7515 §4.1.9: `application/` may be left out if no other slash follows.
fn without_application(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => typ,
    }
}

/// A JWS whose form was checked and whose signature was not: nothing in it is true yet.
#[derive(Debug)]
pub struct UnverifiedJws<'t> {
    signed: &'t str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
    depth: usize,
}

impl<'t> UnverifiedJws<'t> {
    /// Takes a compact JWS apart, within [`Limits::DEFAULT`].
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn parse(token: &'t str) -> Result<Self, JwsError> {
        Self::parse_within(token, &Limits::DEFAULT)
    }

    /// Takes a compact JWS apart (RFC 7515 §5.2, steps 1 to 7).
    ///
    /// # Errors
    /// [`JwsError`]; the work done is bounded by `limits`.
    pub fn parse_within(token: &'t str, limits: &Limits) -> Result<Self, JwsError> {
        if token.len() > limits.token_bytes {
            return Err(JwsError::TooLong);
        }
        // §7.1: exactly three parts; the fourth is looked for, no further one.
        let mut parts = token.splitn(4, '.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsError::NotCompact);
        };
        // An empty signature is an unsecured JWS (RFC 7518 §3.6). Stricter: an empty payload
        // would be a JWS, but is no token.
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(JwsError::NotCompact);
        }
        if header.len() > limits.header_bytes {
            return Err(JwsError::TooLong);
        }
        // §2: base64url without padding, line breaks or other characters.
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Encoding);
        let signed = token.split_at_checked(header.len() + 1 + payload.len());
        let (signed, _) = signed.ok_or(JwsError::NotCompact)?;
        Ok(Self {
            signed,
            header: Header::parse(&decode(header)?, limits.depth)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
            depth: limits.depth,
        })
    }

    /// The header, for finding the key.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The claims, for finding whose key it should be, and for nothing else.
    ///
    /// # Errors
    /// [`JwsError::Claims`].
    pub fn unverified_claims(&self) -> Result<Map<String, Value>, JwsError> {
        strict_json::object(&self.payload, self.depth).map_err(JwsError::Claims)
    }

    /// The name in `alg`: one of [`SignatureAlgorithm`]'s, or `HS256`.
    pub fn algorithm(&self) -> &'static str {
        match self.header.algorithm {
            HeaderAlgorithm::Signature(algorithm) => algorithm.name(),
            HeaderAlgorithm::Hs256 => "HS256",
        }
    }

    /// Verifies with one key, found otherwise than by `kid`: [`KeySet::verify`] is the usual way.
    ///
    /// # Errors
    /// [`JwsError::AlgorithmOfKey`] or [`JwsError::Signature`].
    pub fn verify_with_key(self, key: &VerificationKey) -> Result<VerifiedJws, JwsError> {
        // RFC 8725 §3.1: the key's algorithms, not the token's wish.
        let algorithm = self.signature_algorithm()?;
        if !key.allows(algorithm) {
            return Err(JwsError::AlgorithmOfKey);
        }
        key.verify(algorithm, self.signed.as_bytes(), &self.signature)?;
        Ok(self.verified())
    }

    fn signature_algorithm(&self) -> Result<SignatureAlgorithm, JwsError> {
        match self.header.algorithm {
            HeaderAlgorithm::Signature(algorithm) => Ok(algorithm),
            HeaderAlgorithm::Hs256 => Err(JwsError::AlgorithmOfKey),
        }
    }

    fn verified(self) -> VerifiedJws {
        VerifiedJws { header: self.header, payload: self.payload, depth: self.depth }
    }
}

impl KeySet {
    /// Verifies with the one key of the set that has the header's `kid` and allows its `alg`.
    ///
    /// # Errors
    /// [`JwsError::Key`], [`JwsError::AlgorithmOfKey`] or [`JwsError::Signature`].
    pub fn verify(&self, jws: UnverifiedJws<'_>) -> Result<VerifiedJws, JwsError> {
        let key = self.select(jws.header.kid(), jws.signature_algorithm()?)?;
        jws.verify_with_key(key)
    }
}

/// Verifies the MAC of `client_secret_jwt` (OpenID Connect Core §9) with the secret's bytes.
///
/// # Errors
/// [`JwsError::AlgorithmOfKey`] unless `alg` is `HS256`, [`JwsError::Secret`], or
/// [`JwsError::Signature`].
pub fn verify_hs256(jws: UnverifiedJws<'_>, secret: &[u8]) -> Result<VerifiedJws, JwsError> {
    if jws.header.algorithm != HeaderAlgorithm::Hs256 {
        return Err(JwsError::AlgorithmOfKey);
    }
    if !Hs256Key::new(secret)?.verify(jws.signed.as_bytes(), &jws.signature) {
        return Err(JwsError::Signature);
    }
    Ok(jws.verified())
}

/// A JWS whose signature was verified: the key's holder said this. Whether it was said to
/// us, and is still so, is for the room to check.
#[derive(Debug)]
pub struct VerifiedJws {
    header: Header,
    payload: Vec<u8>,
    depth: usize,
}

impl VerifiedJws {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload as a JWT's claims set (RFC 7519 §7.2): one JSON object, no name twice. Parsed at
    /// each call.
    ///
    /// # Errors
    /// [`JwsError::Claims`].
    pub fn claims(&self) -> Result<Map<String, Value>, JwsError> {
        strict_json::object(&self.payload, self.depth).map_err(JwsError::Claims)
    }
}

/// The latest NumericDate taken: the last second of the year 9999.
pub const MAX_NUMERIC_DATE: i64 = 253_402_300_799;

/// A value that is not a NumericDate we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumericDateError {
    /// Not a JSON number: a text, a list, null.
    #[error("date is not a number")]
    NotANumber,
    /// Before 1970 or after [`MAX_NUMERIC_DATE`].
    #[error("date out of range")]
    OutOfRange,
}

/// A NumericDate (RFC 7519 §2): seconds since 1970-01-01T00:00:00Z, not counting leap seconds.
///
/// `Choice:` §2 allows fractions; they are cut off, as we count whole seconds.
///
/// # Errors
/// [`NumericDateError`].
pub fn numeric_date(value: &Value) -> Result<i64, NumericDateError> {
    let number = value.as_number().ok_or(NumericDateError::NotANumber)?;
    let seconds = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole,
        // The range is checked before the cast, so nothing saturates. -0.0 is 0.
        (None, Some(fraction)) if (0.0..=MAX_NUMERIC_DATE as f64).contains(&fraction) => fraction as i64,
        (None, _) => return Err(NumericDateError::OutOfRange),
    };
    if !(0..=MAX_NUMERIC_DATE).contains(&seconds) {
        return Err(NumericDateError::OutOfRange);
    }
    Ok(seconds)
}
