//! The key ring of a tenant: which key signs now, which ones are published, and when that changes.
//!
//! Keys are parsed once, when the ring is loaded. All replicas choose by the same rows and the time alone, so
//! they agree without talking to each other (invariant I7).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::protocol::audit_event::{AuditEvent, AuditKind};
use crate::protocol::json_web_key::KeySet;
use crate::protocol::signature::SignatureAlgorithm;
use crate::protocol::signing_key::{SigningError, SigningKey};
use crate::protocol::timestamp::Timestamp;
use crate::store::keys::{KeyRecord, Retirement};
use crate::store::{StoreError, TenantStore};
use crate::tenant::{Document, Tenant};

/// The key set may be cached for so many seconds (`Cache-Control: max-age`).
pub const KEY_SET_MAX_AGE: u32 = 300;
/// A retired key stays published for so many seconds beyond the life of the last token it signed, for the clocks of others.
const RETIREMENT_MARGIN: i64 = 300;
/// How long a request waits for another one to load the ring, before it is answered with 503.
const RING_WAIT: Duration = Duration::from_secs(1);

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The key.
    #[error("{0}")]
    Signing(#[from] SigningError),
    /// The stored key does not open.
    #[error("signing key {kid}: {source}")]
    Sealed {
        /// Its name.
        kid: String,
        /// Why.
        source: crate::seal::SealError,
    },
    /// The thread that makes keys ended.
    #[error("the key could not be made")]
    Interrupted,
}

struct RingKey {
    signing: Arc<SigningKey>,
    signs_from: Timestamp,
    signs_until: Option<Timestamp>,
}

/// The keys of a tenant as they are for a while.
pub struct KeyRing {
    keys: Vec<RingKey>,
    /// What is published.
    pub document: Document,
    /// The same, for verifying our own tokens.
    pub verifiers: KeySet,
    /// When the ring must be looked at again: the next instant at which a key changes its part.
    stale_at: Option<Timestamp>,
}

impl KeyRing {
    fn of(tenant: &Tenant, records: &[KeyRecord], now: Timestamp) -> Result<Self, KeyError> {
        let published = |record: &&KeyRecord| record.verifies_until.is_none_or(|until| until > now);
        let (mut keys, mut public, mut verifiers) = (Vec::new(), Vec::new(), Vec::new());
        for record in records.iter().filter(published) {
            let der = tenant
                .secrets
                .signing_key
                .open(record.kid.as_bytes(), &record.private_key)
                .map_err(|source| KeyError::Sealed { kid: record.kid.clone(), source })?;
            let signing = SigningKey::from_pkcs8(record.algorithm, &der)?.with_kid(&record.kid);
            verifiers.push(signing.verification_key()?);
            public.push(Value::Object(signing.public_jwk().clone()));
            keys.push(RingKey {
                signing: Arc::new(signing),
                signs_from: record.signs_from,
                signs_until: record.signs_until,
            });
        }
        let changes =
            records.iter().flat_map(|record| [Some(record.signs_from), record.signs_until, record.verifies_until]);
        Ok(Self {
            keys,
            document: Document::of(serde_json::to_vec(&json!({ "keys": public })).unwrap_or_default()),
            verifiers: KeySet::of(verifiers),
            stale_at: changes.flatten().filter(|at| *at > now).min(),
        })
    }

    /// The key that signs with `algorithm` now: the newest one whose time has come.
    fn signer(&self, algorithm: SignatureAlgorithm, now: Timestamp) -> Option<Arc<SigningKey>> {
        let current = |key: &&RingKey| {
            key.signing.algorithm() == algorithm
                && key.signs_from <= now
                && key.signs_until.is_none_or(|until| until > now)
        };
        self.keys.iter().filter(current).max_by_key(|key| key.signs_from).map(|key| key.signing.clone())
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        self.stale_at.is_some_and(|at| at <= now)
    }
}

/// The ring of a tenant, loaded if need be.
///
/// # Errors
/// The database, or a key that does not open.
pub async fn ring(tenant: &Tenant, store: &TenantStore, now: Timestamp) -> Result<Arc<KeyRing>, KeyError> {
    let known = tenant.keys.read().await.clone();
    if let Some(ring) = known.as_ref().filter(|ring| !ring.is_stale(now)) {
        return Ok(ring.clone());
    }
    // One request loads the ring and may have to wait for the database. The others go on with the one they know, or
    // wait a little for the first; they do not wait one after the other.
    let _loading = match (tenant.loading_keys.try_lock(), &known) {
        (Ok(loading), _) => loading,
        (Err(_), Some(known)) => return Ok(known.clone()),
        (Err(_), None) => {
            timeout(RING_WAIT, tenant.loading_keys.lock()).await.map_err(|_| KeyError::Store(StoreError::Busy))?
        }
    };
    if let Some(ring) = tenant.keys.read().await.as_ref().filter(|ring| !ring.is_stale(now)) {
        return Ok(ring.clone());
    }
    let records = match (store.signing_keys().await, known) {
        (Ok(records), _) => records,
        // While the database is away, what was known goes on: the tokens of a key that should be gone are dead by then.
        (Err(_), Some(known)) => return Ok(known),
        (Err(error), None) => return Err(error.into()),
    };
    let ring = Arc::new(KeyRing::of(tenant, &records, now)?);
    *tenant.keys.write().await = Some(ring.clone());
    Ok(ring)
}

/// The keys have changed. Whoever loads them at this moment is waited for: their ring is of before.
async fn forget_ring(tenant: &Tenant) {
    let _loading = tenant.loading_keys.lock().await;
    *tenant.keys.write().await = None;
}

/// The key that signs with `algorithm` now. The first one of an algorithm is made when it is first needed.
///
/// # Errors
/// The database, or a key that cannot be made or does not open.
pub async fn signer(
    tenant: &Tenant,
    store: &TenantStore,
    algorithm: SignatureAlgorithm,
    now: Timestamp,
) -> Result<Arc<SigningKey>, KeyError> {
    if let Some(key) = ring(tenant, store, now).await?.signer(algorithm, now) {
        return Ok(key);
    }
    let _one_at_a_time = tenant.making_key.lock().await;
    // Three looks: one at what was made meanwhile, and two more in case another replica makes the key as well.
    for _ in 0..3 {
        if let Some(key) = ring(tenant, store, now).await?.signer(algorithm, now) {
            return Ok(key);
        }
        let generation = newest_generation(store, algorithm).await? + 1;
        let record = make(tenant, algorithm, generation, now, now).await?;
        let audit = store.audit(&key_event(AuditKind::KeyCreated, &record), now.seconds().saturating_mul(1000));
        store.add_signing_key(&record, None, audit).await?;
        forget_ring(tenant).await;
    }
    Err(KeyError::Interrupted)
}

fn key_event(kind: AuditKind, record: &KeyRecord) -> AuditEvent {
    AuditEvent::new(kind, "").with("alg", record.algorithm.name()).with("kid", record.kid.as_str())
}

async fn newest_generation(store: &TenantStore, algorithm: SignatureAlgorithm) -> Result<i64, KeyError> {
    let keys = store.signing_keys().await?;
    Ok(keys.iter().filter(|key| key.algorithm == algorithm).map(|key| key.generation).max().unwrap_or(0))
}

async fn make(
    tenant: &Tenant,
    algorithm: SignatureAlgorithm,
    generation: i64,
    now: Timestamp,
    signs_from: Timestamp,
) -> Result<KeyRecord, KeyError> {
    // An RSA key takes a quarter of a second of CPU: not on the threads that answer requests.
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await;
    let (key, der) = made.map_err(|_| KeyError::Interrupted)??;
    let kid = key.kid().to_owned();
    let private_key = tenant
        .secrets
        .signing_key
        .seal(kid.as_bytes(), &der)
        .map_err(|source| KeyError::Sealed { kid: kid.clone(), source })?;
    let public_jwk: Map<String, Value> = key.public_jwk().clone();
    Ok(KeyRecord {
        algorithm,
        generation,
        kid,
        public_jwk,
        private_key,
        created_at: now,
        signs_from,
        signs_until: None,
        verifies_until: None,
    })
}

/// Makes the next key of an algorithm: published at once, signing after the publication lead; those before it
/// stay published until the last token they can sign is dead. `None` if another replica was first.
///
/// # Errors
/// The database, or a key that cannot be made.
pub async fn rotate(
    tenant: &Tenant,
    store: &TenantStore,
    algorithm: SignatureAlgorithm,
    lead_seconds: u32,
    now: Timestamp,
) -> Result<Option<KeyRecord>, KeyError> {
    let generation = newest_generation(store, algorithm).await? + 1;
    let signs_from = now.plus(i64::from(lead_seconds));
    let settings = &tenant.settings;
    let longest = settings.access_token_lifetime_seconds.max(settings.id_token_lifetime_seconds);
    let retirement =
        Retirement { signs_until: signs_from, verifies_until: signs_from.plus(i64::from(longest) + RETIREMENT_MARGIN) };
    let record = make(tenant, algorithm, generation, now, signs_from).await?;
    let audit = store.audit(&key_event(AuditKind::KeyRotated, &record), now.seconds().saturating_mul(1000));
    let added = store.add_signing_key(&record, Some(retirement), audit).await?;
    forget_ring(tenant).await;
    Ok(added.then_some(record))
}

/// Rotates every algorithm whose newest key is older than the tenant wishes (the schedule).
///
/// # Errors
/// The database, or a key that cannot be made.
pub async fn rotate_if_due(tenant: &Tenant, store: &TenantStore, now: Timestamp) -> Result<usize, KeyError> {
    let oldest = i64::from(tenant.settings.key_rotation_days) * 86_400;
    let keys = store.signing_keys().await?;
    let newest = |algorithm: SignatureAlgorithm| {
        keys.iter().filter(|key| key.algorithm == algorithm).max_by_key(|key| key.generation)
    };
    let mut rotated = 0;
    for algorithm in SignatureAlgorithm::ALL {
        let due = newest(algorithm).is_some_and(|key| now.since(key.created_at) >= oldest);
        if due && rotate(tenant, store, algorithm, tenant.settings.key_publication_lead_seconds, now).await?.is_some() {
            rotated += 1;
        }
    }
    Ok(rotated)
}
