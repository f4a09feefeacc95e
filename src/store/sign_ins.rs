//! Sign-in transactions: one row per attempt, from the moment a person acts.

use sea_orm::ActiveValue::Set;

use super::change::Change;
use super::error::{StoreError, corrupt};
use super::read::Columns;
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
        const SQL: &str = "SELECT browser_hash, request, progress, version, expires_at, finished_at FROM sign_in \
            WHERE tenant_id = $1 AND id = $2";
        let Some(row) = self.one_row(SQL, [id.into()]).await? else { return Ok(None) };
        let mut columns = Columns::of(&row);
        Ok(Some(SignIn {
            id: id.to_owned(),
            browser_hash: SecretHash::stored(columns.next()?),
            request: serde_json::from_str(&columns.next::<String>()?).map_err(|_| corrupt("sign_in", "request"))?,
            progress: serde_json::from_str(&columns.next::<String>()?).map_err(|_| corrupt("sign_in", "progress"))?,
            version: columns.next()?,
            expires_at: columns.time()?,
            finished_at: columns.time_if_any()?,
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
