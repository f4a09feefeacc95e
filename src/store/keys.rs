//! Signing keys, sealed under the tenant's own secret.

use sea_orm::ActiveValue::Set;
use serde_json::{Map, Value};

use super::change::{Change, Outcome};
use super::error::{StoreError, corrupt};
use super::read::Columns;
use super::{Store, TenantStore, notices, rows};
use crate::protocol::identifiers::Slug;
use crate::protocol::signature::SignatureAlgorithm;
use crate::protocol::tenant_settings::TenantSettings;
use crate::protocol::timestamp::Timestamp;

const DAY: i64 = 86_400;

/// A signing key as it is stored.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// Its algorithm.
    pub algorithm: SignatureAlgorithm,
    /// Its number among those of the algorithm, from 1.
    pub generation: i64,
    /// Its name in the key set.
    pub kid: String,
    /// Its public half.
    pub public_jwk: Map<String, Value>,
    /// Its private half, sealed.
    pub private_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it signs: until then it is only published.
    pub signs_from: Timestamp,
    /// Until when it signs; open for the newest.
    pub signs_until: Option<Timestamp>,
    /// Until when it stays published.
    pub verifies_until: Option<Timestamp>,
}

/// When the keys before a new one stop.
#[derive(Clone, Copy, Debug)]
pub struct Retirement {
    /// When they stop to sign: when the new one begins.
    pub signs_until: Timestamp,
    /// When the last token they signed is dead.
    pub verifies_until: Timestamp,
}

impl Store {
    /// The tenants that have a key which signs for longer than they wish. Only these are worth loading.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn tenants_with_due_keys(&self, now: Timestamp) -> Result<Vec<Slug>, StoreError> {
        const SQL: &str = "SELECT t.slug, t.settings, MIN(k.created_at) FROM signing_key k \
            JOIN tenant t ON t.id = k.tenant_id WHERE k.signs_until_at IS NULL AND k.created_at <= $1 \
            GROUP BY t.slug, t.settings";
        let a_day_ago = now.seconds() - DAY;
        let mut due = Vec::new();
        for row in self.hot_rows(SQL, vec![a_day_ago.into()]).await? {
            let mut columns = Columns::of(&row);
            let (slug, settings, created_at): (String, String, i64) =
                (columns.next()?, columns.next()?, columns.next()?);
            // What cannot be read is due: whoever loads that tenant says what is wrong with it.
            let days = serde_json::from_str(&settings).map_or(0, |settings: TenantSettings| settings.key_rotation_days);
            if let (Some(slug), true) = (Slug::parse(&slug), now.seconds() - created_at >= i64::from(days) * DAY) {
                due.push(slug);
            }
        }
        Ok(due)
    }
}

impl TenantStore {
    /// Every key that is not forgotten, oldest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn signing_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        const SQL: &str = "SELECT algorithm, generation, kid, public_jwk, private_key, created_at, signs_from_at, \
            signs_until_at, verifies_until_at FROM signing_key WHERE tenant_id = $1 ORDER BY algorithm, generation";
        let unreadable = |column| corrupt("signing_key", column);
        let mut keys = Vec::new();
        for row in self.all_rows(SQL, []).await? {
            let mut columns = Columns::of(&row);
            keys.push(KeyRecord {
                algorithm: columns.next::<String>()?.parse().map_err(|_| unreadable("algorithm"))?,
                generation: columns.next()?,
                kid: columns.next()?,
                public_jwk: serde_json::from_str(&columns.next::<String>()?).map_err(|_| unreadable("public_jwk"))?,
                private_key: columns.next()?,
                created_at: columns.time()?,
                signs_from: columns.time()?,
                signs_until: columns.time_if_any()?,
                verifies_until: columns.time_if_any()?,
            });
        }
        Ok(keys)
    }

    /// Adds a key; with `retirement`, those of the same algorithm before it get their end. False if another
    /// replica was first with this generation.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn add_signing_key(
        &self,
        key: &KeyRecord,
        retirement: Option<Retirement>,
        audit: Change,
    ) -> Result<bool, StoreError> {
        let mut change = Change::if_inserted(rows::signing_key::ActiveModel {
            tenant_id: Set(self.tenant.0),
            algorithm: Set(key.algorithm.name().to_owned()),
            generation: Set(key.generation),
            kid: Set(key.kid.clone()),
            public_jwk: Set(serde_json::to_string(&key.public_jwk).unwrap_or_default()),
            private_key: Set(key.private_key.clone()),
            created_at: Set(key.created_at.seconds()),
            signs_from_at: Set(key.signs_from.seconds()),
            signs_until_at: Set(key.signs_until.map(Timestamp::seconds)),
            verifies_until_at: Set(key.verifies_until.map(Timestamp::seconds)),
        });
        if let Some(retirement) = retirement {
            let retire = self
                .rows("signing_key")
                .set("signs_until_at", retirement.signs_until.seconds())
                .set("verifies_until_at", retirement.verifies_until.seconds())
                .with("algorithm", key.algorithm.name())
                .below("generation", key.generation)
                .without("signs_until_at");
            change = change.update(retire);
        }
        let change = change.and(audit).and(self.notice(notices::Notice::Tenant, key.created_at));
        Ok(self.write(change).await? == Outcome::Done)
    }
}
