//! Scopes — RFC 6749 §3.3; the standard ones of OpenID Connect Core §5.4 and §11.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest scope text that is read, in bytes.
const MAX_SCOPE: usize = 4096;
/// Most scope tokens in one request.
const MAX_TOKENS: usize = 100;

/// `openid`: the request is an OpenID Connect one (OpenID Connect Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// `offline_access`: a refresh token that outlives the session is asked for (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Why a scope cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A character outside of %x21 / %x23-5B / %x5D-7E.
    #[error("scope holds a character that RFC 6749 §3.3 does not allow")]
    Character,
    /// Longer than we read.
    #[error("scope is longer than {MAX_SCOPE} bytes or has more than {MAX_TOKENS} values")]
    TooLong,
}

/// A set of scope tokens in the order they were given (RFC 6749 §3.3: the order carries no meaning).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Reads `scope-token *( SP scope-token )`. Doubles count once.
    ///
    /// # Errors
    /// See [`ScopeError`].
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.len() > MAX_SCOPE {
            return Err(ScopeError::TooLong);
        }
        let mut tokens: Vec<String> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            // §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
            if !token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(ScopeError::Character);
            }
            if !tokens.iter().any(|known| known == token) {
                tokens.push(token.to_owned());
            }
            if tokens.len() > MAX_TOKENS {
                return Err(ScopeError::TooLong);
            }
        }
        Ok(Self(tokens))
    }

    /// Whether `token` is in the set.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every token of `self` is in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|token| other.contains(token))
    }

    /// The tokens of `self` that `keep` says yes to.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }

    /// The tokens of `self` that are in `other` too.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|token| other.contains(token)).cloned().collect())
    }

    /// The tokens of `self` that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|token| !other.contains(token)).cloned().collect())
    }

    /// The tokens of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.0.extend(other.0.iter().filter(|token| !self.contains(token)).cloned());
        both
    }

    /// The tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
