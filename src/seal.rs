//! Sealing: authenticated encryption and keyed hashes under the master key and under each tenant's own secret.
//!
//! Every purpose has a key of its own, derived by HKDF-SHA256 (RFC 5869), so that what was sealed
//! for one purpose never opens for another, nor in another tenant.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::mint;

/// Why something sealed did not open, or a key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Not sealed by this key for this purpose, or changed since.
    #[error("does not open with this key: it was sealed by another key or for another purpose, or it was changed")]
    DoesNotOpen,
    /// The cryptographic library refused; does not happen with keys of 32 bytes.
    #[error("the key could not be derived")]
    Derive,
}

/// A 256-bit secret from which keys for single purposes are derived.
pub struct RootSecret(Zeroizing<[u8; 32]>);

impl RootSecret {
    /// Wraps 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new one from the mint.
    pub fn generate() -> Self {
        Self::new(mint::bytes())
    }

    /// The bytes, to be sealed under another key.
    pub fn expose(&self) -> &[u8] {
        self.0.as_ref()
    }

    fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, b"chancery")
            .extract(self.0.as_ref())
            .expand(&[purpose.as_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut()))
            .map_err(|_| SealError::Derive)?;
        Ok(key)
    }

    /// The key that seals for `purpose`.
    ///
    /// # Errors
    /// Only if the library refuses.
    pub fn sealer(&self, purpose: &str) -> Result<Sealer, SealError> {
        let key = self.derive(purpose)?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| SealError::Derive)?;
        Ok(Sealer(LessSafeKey::new(key)))
    }

    /// The key for keyed hashes of `purpose`.
    ///
    /// # Errors
    /// Only if the library refuses.
    pub fn keyed_hash(&self, purpose: &str) -> Result<KeyedHash, SealError> {
        let key = self.derive(purpose)?;
        Ok(KeyedHash(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())))
    }
}

/// Seals bytes with AES-256-GCM under a random nonce.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// Nonce, ciphertext and tag, bound to `context`.
    ///
    /// # Errors
    /// Only if the library refuses.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = mint::bytes();
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                sealed.get_mut(NONCE_LEN..).ok_or(SealError::Derive)?,
            )
            .map_err(|_| SealError::Derive)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// The bytes that were sealed with this key and `context`.
    ///
    /// # Errors
    /// `DoesNotOpen` for anything else.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::DoesNotOpen)?;
        let mut body = body.to_vec();
        let length =
            self.0.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| SealError::DoesNotOpen)?.len();
        body.truncate(length);
        Ok(Zeroizing::new(body))
    }

    /// As [`Sealer::seal`], as base64url text.
    ///
    /// # Errors
    /// Only if the library refuses.
    pub fn seal_text(&self, context: &[u8], plain: &[u8]) -> Result<String, SealError> {
        Ok(URL_SAFE_NO_PAD.encode(self.seal(context, plain)?))
    }

    /// Opens what [`Sealer::seal_text`] made.
    ///
    /// # Errors
    /// `DoesNotOpen` for anything else.
    pub fn open_text(&self, context: &[u8], sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::DoesNotOpen)?;
        self.open(context, &sealed)
    }
}

/// HMAC-SHA256 under a key of one purpose.
pub struct KeyedHash(hmac::Key);

impl KeyedHash {
    /// The keyed hash of `parts`, each preceded by its length, so that no two lists look alike.
    pub fn of(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        hash
    }

    /// The keyed hash as base64url text.
    pub fn text_of(&self, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(self.of(parts))
    }
}
