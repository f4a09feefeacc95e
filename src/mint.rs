//! The mint: all randomness of the server comes from here.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::protocol::secret::Secret;

/// Bytes of entropy in every secret that we hand out: 256 bits (RFC 6749 §10.10 asks for 128, better 160).
pub const SECRET_BYTES: usize = 32;

/// `N` random bytes.
///
/// The generator is seeded from the operating system; should it fail the process ends, because
/// no answer without randomness is a safe one.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if rand::fill(&mut bytes).is_err() {
        tracing::error!("the random number generator failed");
        std::process::abort();
    }
    bytes
}

/// A new secret of 256 bits: 43 characters of base64url.
pub fn secret() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(bytes::<SECRET_BYTES>()))
}

/// A new identifier that need not be secret: 128 random bits, 22 characters of base64url.
pub fn handle() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<16>())
}

/// A new reference of a request: 72 bits, 12 characters of base64url, that hardly any other request has. It is no secret
/// and need not cost as much as one; but it must not tell how many requests there were, so the count goes through a hash
/// with a random key of this process.
pub fn reference() -> Arc<str> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 9];
    let (most, last) = bytes.split_at_mut(8);
    most.copy_from_slice(&KEY.hash_one(number).to_be_bytes());
    last.copy_from_slice(&KEY.hash_one(!number).to_be_bytes()[..1]);
    let mut text = [0; 12];
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).unwrap_or(0);
    str::from_utf8(&text[..length]).unwrap_or_default().into()
}

/// A new row id, ordered by time (UUID version 7), so that indexes grow at one end.
pub fn row_id(milliseconds: i64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(milliseconds).unwrap_or(0), &bytes::<10>()).into_uuid()
}

/// A new id that tells nothing, not even when it was made (UUID version 4).
pub fn opaque_id() -> Uuid {
    uuid::Builder::from_random_bytes(bytes::<16>()).into_uuid()
}
