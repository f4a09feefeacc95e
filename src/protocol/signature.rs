//! Signature algorithms — RFC 7518 §3, RFC 8037 §3.1, RFC 9864 §2.2 — and the hashes an ID
//! Token takes from them — OpenID Connect Core §3.1.3.6, §3.3.2.11.
//!
//! The arithmetic is aws-lc-rs's. Left out: ES384, ES512, RS384 and their like (nothing we
//! speak requires them), and `none`, which has no value here (RFC 8725 §3.2).

use std::{
    cell::Cell,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// A public key signature algorithm of this server.
///
/// HMAC is not among them: `super::signing_key::Hs256Key` is a type of its own, so that no
/// MAC can be taken for a signature (RFC 8725 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SignatureAlgorithm {
    /// `ES256`: ECDSA with P-256 and SHA-256 (RFC 7518 §3.4).
    #[serde(rename = "ES256")]
    Es256,
    /// `EdDSA`, here always with Ed25519 (RFC 8037 §3.1).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// `Ed25519`: the same signature under its fully specified name (RFC 9864 §2.2).
    Ed25519,
    /// `RS256`: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    #[serde(rename = "RS256")]
    Rs256,
    /// `PS256`: RSASSA-PSS with SHA-256 and a salt of its length (RFC 7518 §3.5).
    #[serde(rename = "PS256")]
    Ps256,
}

/// A name that is not one of [`SignatureAlgorithm`]'s, `none` included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported signature algorithm")]
pub struct UnsupportedAlgorithm;

impl SignatureAlgorithm {
    /// All of them, in the order in which metadata names them.
    pub const ALL: [Self; 5] = [Self::Es256, Self::EdDsa, Self::Ed25519, Self::Rs256, Self::Ps256];

    /// The registered name, as in `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// `at_hash`, `c_hash` and `s_hash`: the left half of the value's hash, in base64url.
    ///
    /// OpenID Connect Core §3.1.3.6: the hash of the ID Token's own `alg`.
    pub fn left_half_hash(self, value: &str) -> String {
        let hash = match self {
            Self::Es256 | Self::Rs256 | Self::Ps256 => &digest::SHA256,
            // Ed25519 hashes with SHA-512 (RFC 8032 §5.1): 32 bytes are its left half.
            Self::EdDsa | Self::Ed25519 => &digest::SHA512,
        };
        let digest = digest::digest(hash, value.as_bytes());
        let (left, _) = digest.as_ref().split_at(hash.output_len() / 2);
        URL_SAFE_NO_PAD.encode(left)
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = UnsupportedAlgorithm;

    /// RFC 7515 §4.1.1: names are compared to the letter.
    fn from_str(name: &str) -> Result<Self, UnsupportedAlgorithm> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or(UnsupportedAlgorithm)
    }
}

impl std::fmt::Display for SignatureAlgorithm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

/// How often the costly steps were taken. Tests assert the difference per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Public key signatures made.
    pub signatures_made: u64,
    /// Keys parsed, public and private ones.
    pub keys_parsed: u64,
}

static SIGNATURES_MADE: AtomicU64 = AtomicU64::new(0);
static KEYS_PARSED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static THIS_THREAD: Cell<Counts> = const {
        Cell::new(Counts { signatures_made: 0, keys_parsed: 0 })
    };
}

/// Public key signatures made by this process since it started.
pub fn signatures_made() -> u64 {
    SIGNATURES_MADE.load(Ordering::Relaxed)
}

/// Keys parsed by this process since it started, public and private ones.
pub fn keys_parsed() -> u64 {
    KEYS_PARSED.load(Ordering::Relaxed)
}

/// The same two counts of the calling thread alone: tests run side by side in one process.
pub fn counts_of_this_thread() -> Counts {
    THIS_THREAD.get()
}

/// Counts one signature.
pub(super) fn count_signature() {
    SIGNATURES_MADE.fetch_add(1, Ordering::Relaxed);
    let counts = THIS_THREAD.get();
    THIS_THREAD.set(Counts { signatures_made: counts.signatures_made + 1, ..counts });
}

/// Counts one parsed key.
pub(super) fn count_parsed_key() {
    KEYS_PARSED.fetch_add(1, Ordering::Relaxed);
    let counts = THIS_THREAD.get();
    THIS_THREAD.set(Counts { keys_parsed: counts.keys_parsed + 1, ..counts });
}
