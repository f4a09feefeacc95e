//! Public keys and key sets — RFC 7517 §4, §5; RFC 7518 §6; RFC 8037 §2 — and the
//! thumbprint that names a key — RFC 7638 §3.
//!
//! A key is parsed once into a [`VerificationKey`] and kept; a [`KeySet`] is what a client
//! registered or published, or what a tenant signs with. The key, never the token, says
//! which algorithms may be used with it (RFC 8725 §3.1).
//! Left out: certificates beside a key (`x5c`, `x5t`, `x5u`), never read here.

use aws_lc_rs::{
    digest,
    error::KeyRejected,
    signature::{self, ParsedPublicKey, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{
    signature::{SignatureAlgorithm, count_parsed_key},
    strict_json::{self, JsonError},
};

/// The most keys a set may have: each is parsed, and each may be a candidate.
pub const MAX_KEYS: usize = 32;
/// The most bytes of a key set document: 32 keys with certificate chains.
pub const MAX_KEY_SET_BYTES: usize = 128 * 1024;
/// Levels of nesting in a key set: the set, its list, a key, and its lists (`oth` of objects).
const KEY_SET_DEPTH: usize = 5;
/// The bits an RSA modulus may have. At least 2048: RFC 7518 §3.3. At most 8192: the time it takes.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The most bytes of an RSA exponent: the cost of a verification grows with it.
const RSA_EXPONENT_BYTES: usize = 4;
/// Members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A set of public keys (RFC 7517 §5). Keep it in an `Arc`: making it parses every key.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    ignored: Vec<KeyError>,
}

/// Why a document is not a key set we keep.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// It is longer than [`MAX_KEY_SET_BYTES`].
    #[error("key set longer than {MAX_KEY_SET_BYTES} bytes")]
    TooLong,
    /// It is not JSON we read.
    #[error("key set is not readable")]
    Json(#[from] JsonError),
    /// It has no `keys`, or `keys` is not a list of objects.
    #[error("key set without a list of keys")]
    NoKeys,
    /// It has more than [`MAX_KEYS`] keys.
    #[error("key set of more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// One of its keys is private or symmetric, and thereby given away.
    #[error("key set shows the private member {0}")]
    Private(&'static str),
}

/// Why no key of a set was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No key has this `kid` and allows this `alg`. A published set may be fetched anew.
    #[error("no key of the set fits")]
    Unknown,
    /// More than one key fits.
    #[error("more than one key of the set fits")]
    Ambiguous,
}

impl KeySet {
    /// Reads a JWK Set document, as a `jwks_uri` answers it.
    ///
    /// # Errors
    /// See [`KeySetError`]; keys we cannot use are no error, see [`KeySet::ignored`].
    pub fn parse_document(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong);
        }
        Self::parse(&strict_json::object(document, KEY_SET_DEPTH)?)
    }

    /// Reads a JWK Set that is part of a larger document, as `jwks` is of client metadata.
    /// That document's reader answers for its size and for repeated names.
    ///
    /// # Errors
    /// See [`KeySetError`]; keys we cannot use are no error, see [`KeySet::ignored`].
    pub fn parse(set: &Map<String, Value>) -> Result<Self, KeySetError> {
        // §5.1: the list of keys; §5: other members are ignored.
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or(KeySetError::NoKeys)?;
        if keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut kept = Self::default();
        for key in keys {
            let key = key.as_object().ok_or(KeySetError::NoKeys)?;
            match VerificationKey::from_jwk(key) {
                Ok(key) => kept.keys.push(key),
                // RFC 7591 §2: the set is of public keys; one that is not has leaked.
                Err(KeyError::Private(member)) => return Err(KeySetError::Private(member)),
                // §5: keys not understood, incomplete or out of range are ignored.
                Err(error) => kept.ignored.push(error),
            }
        }
        Ok(kept)
    }

    /// A set of keys parsed before: a tenant's own.
    pub fn of(keys: Vec<VerificationKey>) -> Self {
        Self { keys, ignored: Vec::new() }
    }

    /// The usable keys.
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// Why the other keys of the set were left aside; a registration without any usable
    /// key can tell its sender.
    pub fn ignored(&self) -> &[KeyError] {
        &self.ignored
    }

    /// The one key that fits a header's `kid` and `alg`.
    ///
    /// `Choice:` exactly one must fit (OpenID Connect Core §10.1: with several keys in the
    /// set a `kid` is required); RFC 7515 §6 would allow trying one after the other.
    ///
    /// # Errors
    /// [`SelectError`] if none or more than one fits.
    pub fn select(&self, kid: Option<&str>, algorithm: SignatureAlgorithm) -> Result<&VerificationKey, SelectError> {
        let mut fitting =
            self.keys.iter().filter(|key| kid.is_none() || key.kid() == kid).filter(|key| key.allows(algorithm));
        match (fitting.next(), fitting.next()) {
            (None, _) => Err(SelectError::Unknown),
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(SelectError::Ambiguous),
        }
    }
}

/// A public key, parsed once, with the algorithms it may be used for.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    verifiers: Vec<(SignatureAlgorithm, ParsedPublicKey)>,
}

/// Why a JWK is not a public key we can verify with. No variant repeats the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A member of a private or symmetric key is present.
    #[error("key has the private member {0}")]
    Private(&'static str),
    /// A member is missing, or is not what its section says.
    #[error("key member {0} missing or malformed")]
    Member(&'static str),
    /// `kty` or `crv` names something we do not verify with.
    #[error("unsupported kind of key")]
    Unsupported,
    /// `alg` names an algorithm we do not have, or one of another kind of key.
    #[error("key is for another algorithm")]
    Algorithm,
    /// `use` or `key_ops` does not include verifying.
    #[error("key is not for verifying signatures")]
    Use,
    /// The RSA modulus is under 2048 or over 8192 bits.
    #[error("RSA modulus of {0} bits")]
    Size(usize),
    /// An Ed25519 point of small order: signatures under it prove nothing.
    #[error("weak Ed25519 point")]
    WeakPoint,
    /// Not a point of the curve, or otherwise no key.
    #[error("key rejected")]
    Rejected(#[source] KeyRejected),
}

/// A signature that does not fit key, algorithm and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
pub struct BadSignature;

impl VerificationKey {
    /// Parses a public JWK: EC with P-256, OKP with Ed25519, or RSA.
    ///
    /// For P-256 the point is checked to be on the curve. For Ed25519 points of small order are
    /// refused here; 32 bytes that are no point at all fail every verification later.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if let Some(member) = PRIVATE_MEMBERS.iter().find(|name| jwk.contains_key(**name)) {
            return Err(KeyError::Private(member));
        }
        check_use(jwk)?;
        let material = Material::from_jwk(jwk)?;
        // §4.4: `alg` narrows the key to the one algorithm it is intended for.
        let named: Option<SignatureAlgorithm> =
            optional_text(jwk, "alg")?.map(|name| name.parse().map_err(|_| KeyError::Algorithm)).transpose()?;
        let verifiers = material
            .algorithms()
            .iter()
            .filter(|known| named.is_none_or(|named| named == **known))
            .map(|known| Ok((*known, material.verifier(*known)?)))
            .collect::<Result<Vec<_>, KeyError>>()?;
        if verifiers.is_empty() {
            return Err(KeyError::Algorithm);
        }
        count_parsed_key();
        let kid = optional_text(jwk, "kid")?.map(str::to_owned);
        Ok(Self { kid, verifiers })
    }

    /// Its `kid`, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether the key may be used with this algorithm.
    pub fn allows(&self, algorithm: SignatureAlgorithm) -> bool {
        self.verifier(algorithm).is_some()
    }

    /// Verifies raw bytes. For ES256 the signature is the 64 bytes `r || s` (RFC 7518 §3.4),
    /// never DER.
    ///
    /// # Errors
    /// [`BadSignature`], also when the key does not allow the algorithm.
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let verifier = self.verifier(algorithm).ok_or(BadSignature)?;
        let verified = verifier.verify_sig(message, signature);
        verified.map_err(|_| BadSignature)
    }

    fn verifier(&self, algorithm: SignatureAlgorithm) -> Option<&ParsedPublicKey> {
        let mut verifiers = self.verifiers.iter();
        let found = verifiers.find(|(known, _)| *known == algorithm);
        found.map(|(_, verifier)| verifier)
    }
}

/// The JWK Thumbprint of a key with SHA-256, in base64url (RFC 7638 §3).
///
/// # Errors
/// [`KeyError::Unsupported`] or [`KeyError::Member`] if `kty` is none of EC, OKP and RSA,
/// or a required member is missing.
pub fn thumbprint(jwk: &Map<String, Value>) -> Result<String, KeyError> {
    // §3.2: the required members of each kind, in lexical order; nothing else counts.
    let members: &[&'static str] = match text(jwk, "kty")? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return Err(KeyError::Unsupported),
    };
    let mut json = String::new();
    for name in members {
        json.push(if json.is_empty() { '{' } else { ',' });
        // Value's Display writes the text with JSON's quotes and escapes.
        let value = Value::from(text(jwk, name)?);
        json.push_str(&format!("\"{name}\":{value}"));
    }
    json.push('}');
    let hash = digest::digest(&digest::SHA256, json.as_bytes());
    Ok(URL_SAFE_NO_PAD.encode(hash))
}

/// RFC 7517 §4.2, §4.3: what the key is for.
fn check_use(jwk: &Map<String, Value>) -> Result<(), KeyError> {
    if optional_text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(KeyError::Use);
    }
    let Some(operations) = jwk.get("key_ops") else {
        return Ok(());
    };
    let malformed = KeyError::Member("key_ops");
    let Some(operations) = operations.as_array() else {
        return Err(malformed);
    };
    // §4.3: no value twice.
    for (index, operation) in operations.iter().enumerate() {
        if !operation.is_string() || operations.iter().skip(index + 1).any(|o| o == operation) {
            return Err(malformed);
        }
    }
    if !operations.iter().any(|operation| operation == "verify") {
        return Err(KeyError::Use);
    }
    Ok(())
}

/// The numbers of a public key, checked for their form.
enum Material {
    /// The uncompressed point (SEC 1 §2.3.3).
    P256([u8; 65]),
    Ed25519([u8; 32]),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
}

impl Material {
    fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        match (text(jwk, "kty")?, optional_text(jwk, "crv")?) {
            // RFC 7518 §6.2.1: coordinates have the full length of the curve.
            ("EC", Some("P-256")) => {
                let mut point = [4; 65];
                let (x, y) = (fixed::<32>(jwk, "x")?, fixed::<32>(jwk, "y")?);
                for (to, from) in point.iter_mut().skip(1).zip(x.iter().chain(&y)) {
                    *to = *from;
                }
                Ok(Self::P256(point))
            }
            ("OKP", Some("Ed25519")) => {
                let point = fixed(jwk, "x")?;
                if has_small_order(&point) {
                    return Err(KeyError::WeakPoint);
                }
                Ok(Self::Ed25519(point))
            }
            ("RSA", None) => {
                let (n, e) = (unsigned(jwk, "n")?, unsigned(jwk, "e")?);
                check_rsa(&n, &e)?;
                Ok(Self::Rsa(RsaPublicKeyComponents { n, e }))
            }
            ("EC" | "OKP", None) => Err(KeyError::Member("crv")),
            _ => Err(KeyError::Unsupported),
        }
    }

    fn algorithms(&self) -> &'static [SignatureAlgorithm] {
        match self {
            Self::P256(_) => &[SignatureAlgorithm::Es256],
            Self::Ed25519(_) => &[SignatureAlgorithm::EdDsa, SignatureAlgorithm::Ed25519],
            Self::Rsa(_) => &[SignatureAlgorithm::Rs256, SignatureAlgorithm::Ps256],
        }
    }

    fn verifier(&self, algorithm: SignatureAlgorithm) -> Result<ParsedPublicKey, KeyError> {
        let parsed = match self {
            Self::P256(point) => ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point),
            Self::Ed25519(point) => ParsedPublicKey::new(&signature::ED25519, point),
            Self::Rsa(key) if algorithm == SignatureAlgorithm::Ps256 => {
                key.to_parsed_public_key(&signature::RSA_PSS_2048_8192_SHA256)
            }
            Self::Rsa(key) => key.to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256),
        };
        parsed.map_err(KeyError::Rejected)
    }
}

/// RFC 8017 §3.1: both odd, the exponent at least 3; and our bounds on their size.
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let spare = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = n.len() * 8 - spare;
    if !RSA_BITS.contains(&bits) {
        return Err(KeyError::Size(bits));
    }
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !odd(n) {
        return Err(KeyError::Member("n"));
    }
    if !odd(e) || e == [1] || e.len() > RSA_EXPONENT_BYTES {
        return Err(KeyError::Member("e"));
    }
    Ok(())
}

/// Whether 32 bytes are an Ed25519 point of order 1, 2, 4 or 8, or no canonical point.
///
/// `Stricter:` RFC 8037 does not ask. Under such a key one signature fits many messages,
/// and anyone can make it.
fn has_small_order(point: &[u8; 32]) -> bool {
    /// The two y coordinates of order 8, little-endian.
    const ORDER_EIGHT: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let mut y = *point;
    let [low, middle @ .., high] = &mut y;
    // The top bit is the sign of x: both signs are meant.
    *high &= 0x7f;
    let zero_or_one = *low <= 1 && *high == 0 && middle.iter().all(|byte| *byte == 0);
    // p - 1 (order 2) is ec ff .. ff 7f; what is above is not reduced (RFC 8032 §5.1.3).
    let near_p = *low >= 0xec && *high == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    zero_or_one || near_p || ORDER_EIGHT.contains(&y)
}

fn optional_text<'j>(jwk: &'j Map<String, Value>, name: &'static str) -> Result<Option<&'j str>, KeyError> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::Member(name)),
    }
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &'static str) -> Result<&'j str, KeyError> {
    optional_text(jwk, name)?.ok_or(KeyError::Member(name))
}

/// Base64url without padding (RFC 7515 §2).
fn bytes(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    let decoded = URL_SAFE_NO_PAD.decode(text(jwk, name)?);
    decoded.map_err(|_| KeyError::Member(name))
}

fn fixed<const N: usize>(jwk: &Map<String, Value>, name: &'static str) -> Result<[u8; N], KeyError> {
    let bytes = bytes(jwk, name)?;
    bytes.try_into().map_err(|_| KeyError::Member(name))
}

/// RFC 7518 §2, Base64urlUInt: big-endian, no leading zero.
fn unsigned(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    let number = bytes(jwk, name)?;
    if number.first().is_none_or(|byte| *byte == 0) {
        return Err(KeyError::Member(name));
    }
    Ok(number)
}
