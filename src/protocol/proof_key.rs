//! Proof Key for Code Exchange — RFC 7636.
//!
//! `Left out:` the method `plain` (§4.2), which protects nothing once the request is seen (RFC 9700 §2.1.1).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::secret::equal_in_constant_time;

/// Why a challenge or verifier is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofKeyError {
    /// No `code_challenge` where one is demanded (RFC 9700 §2.1.1).
    #[error("code_challenge is required (PKCE)")]
    ChallengeRequired,
    /// `code_challenge_method` is absent (which means `plain`, §4.3) or not S256.
    #[error("code_challenge_method must be S256")]
    Method,
    /// A method without a challenge.
    #[error("code_challenge_method without code_challenge")]
    MethodAlone,
    /// §4.2: 43 characters of base64url for S256.
    #[error("code_challenge must be 43 characters of base64url")]
    Challenge,
    /// §4.1: 43 to 128 unreserved characters.
    #[error("code_verifier must be 43 to 128 unreserved characters")]
    Verifier,
    /// §4.6: a challenge was sent, so the verifier must come.
    #[error("code_verifier is missing")]
    VerifierMissing,
    /// RFC 9700 §4.8.2: a verifier where no challenge was sent.
    #[error("code_verifier came, but the authorization request had no code_challenge")]
    VerifierUnexpected,
    /// §4.6: they do not match.
    #[error("code_verifier does not match the code_challenge")]
    Mismatch,
}

impl ProofKeyError {
    /// The parameter at fault.
    pub const fn parameter(&self) -> &'static str {
        match self {
            Self::ChallengeRequired | Self::MethodAlone | Self::Challenge => "code_challenge",
            Self::Method => "code_challenge_method",
            Self::Verifier | Self::VerifierMissing | Self::VerifierUnexpected | Self::Mismatch => "code_verifier",
        }
    }
}

/// An S256 `code_challenge`: 43 characters of base64url (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads the two parameters of the authorization request (RFC 7636 §4.3).
    ///
    /// # Errors
    /// See [`ProofKeyError`].
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, ProofKeyError> {
        let Some(challenge) = challenge else {
            return if method.is_some() { Err(ProofKeyError::MethodAlone) } else { Ok(None) };
        };
        // §4.3: an absent method means plain.
        if method != Some("S256") {
            return Err(ProofKeyError::Method);
        }
        // §4.2: BASE64URL-ENCODE(SHA256(…)) is 32 bytes, so 43 characters.
        match URL_SAFE_NO_PAD.decode(challenge) {
            Ok(bytes) if bytes.len() == 32 => Ok(Some(Self(challenge.to_owned()))),
            _ => Err(ProofKeyError::Challenge),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A challenge as it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
}

/// The check of RFC 7636 §4.6, symmetrical: a verifier is demanded if and only if there was a challenge.
///
/// # Errors
/// See [`ProofKeyError`].
pub fn check(challenge: Option<&CodeChallenge>, verifier: Option<&str>) -> Result<(), ProofKeyError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(ProofKeyError::VerifierUnexpected),
        (Some(_), None) => Err(ProofKeyError::VerifierMissing),
        (Some(challenge), Some(verifier)) => {
            // §4.1: code-verifier = 43*128unreserved
            let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
                return Err(ProofKeyError::Verifier);
            }
            let hashed = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            if equal_in_constant_time(&hashed, challenge.as_str()) { Ok(()) } else { Err(ProofKeyError::Mismatch) }
        }
    }
}
