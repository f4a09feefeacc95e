//! One-time tokens that an administrator hands out: links and initial access tokens.

use sea_orm::{ActiveValue::Set, EntityTrait};

use super::change::{Change, Rows};
use super::error::StoreError;
use super::{TenantStore, rows};
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;

/// What a token is for. A token of one purpose is unknown for every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the first administrator.
    AdminLink,
    /// Registers clients (RFC 7591 §3).
    InitialAccessToken,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AdminLink => "admin_link",
            Self::InitialAccessToken => "initial_access_token",
        }
    }
}

impl TenantStore {
    /// Keeps a token for `uses` uses.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn add_one_time_token(
        &self,
        (purpose, hash): (Purpose, &SecretHash),
        uses: i64,
        lifetime: (Timestamp, Timestamp),
        audit: Change,
    ) -> Result<(), StoreError> {
        let change = Change::new().insert(rows::one_time_token::ActiveModel {
            tenant_id: Set(self.tenant.0),
            purpose: Set(purpose.as_str().to_owned()),
            token_hash: Set(hash.bytes().to_vec()),
            uses_left: Set(uses),
            created_at: Set(lifetime.0.seconds()),
            expires_at: Set(lifetime.1.seconds()),
        });
        self.write(change.and(audit)).await.map(|_| ())
    }

    /// Whether a token would still serve; consumes nothing.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn peek_one_time_token(
        &self,
        purpose: Purpose,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = (self.tenant.0, purpose.as_str().to_owned(), hash.bytes().to_vec());
        let found = rows::one_time_token::Entity::find_by_id(key).one(self.reader()).await?;
        Ok(found.is_some_and(|row| row.uses_left > 0 && row.expires_at > now.seconds()))
    }

    /// The condition that uses up one use, as the guard of a change.
    pub fn one_use(&self, purpose: Purpose, hash: &SecretHash, now: Timestamp) -> Rows {
        self.rows("one_time_token")
            .raise("uses_left", -1)
            .with("purpose", purpose.as_str())
            .with("token_hash", hash.bytes().to_vec())
            .above("uses_left", 0)
            .above("expires_at", now.seconds())
    }
}
