//! Access tokens whose signature was verified lately: a signature is checked once, not at every use.
//!
//! What is remembered is that the tenant's keys, as they are now, signed this text. Issuer, time, grant and
//! revocation are looked at each time. When the keys change in any way, nothing that was remembered counts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use moka::future::Cache;

use crate::keys::KeyRing;
use crate::protocol::access_token::AccessToken;
use crate::protocol::secret::SecretHash;

/// Tokens remembered at most: a few megabytes.
const TOKENS: u64 = 10_000;
/// Tokens that nobody shows for so long are forgotten.
const IDLE: Duration = Duration::from_secs(300);

/// See the module.
pub struct VerifiedTokens(Cache<Vec<u8>, (Weak<KeyRing>, Arc<AccessToken>)>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(TOKENS).time_to_idle(IDLE).build())
    }
}

impl VerifiedTokens {
    /// What `text` says, if these very keys are known to have signed it.
    pub async fn get(&self, text: &str, ring: &Arc<KeyRing>) -> Option<Arc<AccessToken>> {
        let (by, token) = self.0.get(SecretHash::of(text).bytes()).await?;
        std::ptr::eq(by.as_ptr(), Arc::as_ptr(ring)).then_some(token)
    }

    /// Remembers that `ring` verified `text`.
    pub async fn insert(&self, text: &str, ring: &Arc<KeyRing>, token: Arc<AccessToken>) {
        self.0.insert(SecretHash::of(text).bytes().to_vec(), (Arc::downgrade(ring), token)).await;
    }
}
