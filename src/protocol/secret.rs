//! Secrets: never shown, compared in constant time, stored as hashes.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroize;

/// A secret text: a code, token, client secret or password. Prints as `[secret]`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Reviewers search for this word.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored instead of the secret.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// SHA-256 of a secret of at least 128 random bits: what the database holds of codes, tokens and
/// client secrets. Passwords are not hashed this way.
#[derive(Clone, Debug)]
pub struct SecretHash(Vec<u8>);

impl SecretHash {
    /// The hash of a secret text.
    pub fn of(text: &str) -> Self {
        Self(digest(&SHA256, text.as_bytes()).as_ref().to_vec())
    }

    /// A hash as it was stored.
    pub fn stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store or to look for.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `secret` has this hash; in constant time.
    pub fn matches(&self, secret: &Secret) -> bool {
        verify_slices_are_equal(&self.0, secret.hash().bytes()).is_ok()
    }
}

/// Whether two texts are equal, in time that depends on their lengths alone.
pub fn equal_in_constant_time(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
