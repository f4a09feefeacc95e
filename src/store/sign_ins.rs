//! Sign-in transactions: one row per attempt, from the moment a person acts.

use sea_orm::{ActiveValue::Set, EntityTrait};

use super::change::Change;
use super::error::{StoreError, corrupt};
use super::{TenantStore, rows};
use crate::protocol::authorization_request::Checked;
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;
use crate::sign_in::engine::Progress;

/// A sign-in under way.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Its name in addresses.
    pub id: String,
    /// The hash of the browser's secret: nobody else may go on with it.
    pub browser_hash: SecretHash,
    /// What was asked for.
    pub request: Checked,
    /// How far it is.
    pub progress: Progress,
    /// Counts the steps; 0 while it is only a sealed handle and no row.
    pub version: i64,
    /// When it ends unfinished.
    pub expires_at: Timestamp,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
}

impl TenantStore {
    /// The sign-in with this id.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn sign_in(&self, id: &str) -> Result<Option<SignIn>, StoreError> {
        let key = (self.tenant.0, id.to_owned());
        let Some(row) = rows::sign_in::Entity::find_by_id(key).one(self.reader()).await? else { return Ok(None) };
        Ok(Some(SignIn {
            id: row.id,
            browser_hash: SecretHash::stored(row.browser_hash),
            request: serde_json::from_str(&row.request).map_err(|_| corrupt("sign_in", "request"))?,
            progress: serde_json::from_str(&row.progress).map_err(|_| corrupt("sign_in", "progress"))?,
            version: row.version,
            expires_at: Timestamp::from_seconds(row.expires_at),
            finished_at: row.finished_at.map(Timestamp::from_seconds),
        }))
    }

    /// The step from `before` to `progress`, as the guard of a change: it happens once, however often and from
    /// however many tabs it is sent. `finished` ends the transaction with it.
    pub fn advance_sign_in(&self, before: &SignIn, progress: &Progress, finished: Option<Timestamp>) -> Change {
        let progress = serde_json::to_string(progress).unwrap_or_default();
        let finished_at = finished.map(Timestamp::seconds);
        if before.version == 0 {
            return Change::if_inserted(rows::sign_in::ActiveModel {
                tenant_id: Set(self.tenant.0),
                id: Set(before.id.clone()),
                browser_hash: Set(before.browser_hash.bytes().to_vec()),
                request: Set(serde_json::to_string(&before.request).unwrap_or_default()),
                progress: Set(progress),
                version: Set(1),
                expires_at: Set(before.expires_at.seconds()),
                finished_at: Set(finished_at),
            });
        }
        let update = self
            .rows("sign_in")
            .set("progress", progress)
            .set("version", before.version + 1)
            .set("finished_at", finished_at)
            .with("id", before.id.as_str())
            .with("version", before.version)
            .without("finished_at");
        Change::if_updated(update)
    }
}
