//! Sessions of people. The browser holds secrets; the rows hold their hashes.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::change::{Change, Outcome, Rows};
use super::error::{StoreError, corrupt};
use super::read::{Columns, user_columns};
use super::{TenantStore, rows};
use crate::protocol::grant::Authentication;
use crate::protocol::identifiers::{SessionId, UserId};
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;
use crate::sign_in::session::Session;

fn read_session(row: rows::session::Model) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId(row.id),
        user_id: UserId(row.user_id),
        authentication: Authentication {
            at: Timestamp::from_seconds(row.auth_time_at),
            acr: row.acr,
            amr: serde_json::from_str(&row.amr).map_err(|_| corrupt("session", "amr"))?,
        },
        user_agent: row.user_agent,
        created_at: Timestamp::from_seconds(row.created_at),
        last_seen_at: Timestamp::from_seconds(row.last_seen_at),
        idle_expires_at: Timestamp::from_seconds(row.idle_expires_at),
        expires_at: Timestamp::from_seconds(row.expires_at),
        ended_at: row.ended_at.map(Timestamp::from_seconds),
        kept: row.kept,
    })
}

impl TenantStore {
    fn one_session(&self, id: SessionId) -> Rows {
        self.rows("session").with("id", id.0)
    }

    /// The sessions whose secrets a browser holds, with their people and the hashes, in no order: one round trip.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn browser_sessions(
        &self,
        hashes: &[SecretHash],
    ) -> Result<Vec<(Session, User, SecretHash)>, StoreError> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        // Places for one, two, four or more: few statements, whatever a browser brings.
        let places: Vec<String> =
            (2..hashes.len().next_power_of_two() + 2).map(|number| format!("${number}")).collect();
        let sql = format!(
            "SELECT {}, s.id, s.secret_hash, s.auth_time_at, s.acr, s.amr, s.user_agent, s.created_at, s.last_seen_at, \
             s.idle_expires_at, s.expires_at, s.ended_at, s.kept FROM session s \
             JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.user_id \
             WHERE s.tenant_id = $1 AND s.secret_hash IN ({})",
            user_columns!(),
            places.join(", ")
        );
        let values =
            (0..places.len()).map(|at| hashes.get(at).or(hashes.last()).map(|hash| hash.bytes().to_vec()).into());
        let mut sessions = Vec::with_capacity(hashes.len());
        for row in self.all_rows(&sql, values).await? {
            let mut columns = Columns::of(&row);
            let Some(user) = columns.user()? else { continue };
            let (id, hash) = (SessionId(columns.next()?), SecretHash::stored(columns.next()?));
            let session = Session {
                id,
                user_id: user.id,
                authentication: Authentication {
                    at: columns.time()?,
                    acr: columns.next()?,
                    amr: serde_json::from_str(&columns.next::<String>()?).map_err(|_| corrupt("session", "amr"))?,
                },
                user_agent: columns.next()?,
                created_at: columns.time()?,
                last_seen_at: columns.time()?,
                idle_expires_at: columns.time()?,
                expires_at: columns.time()?,
                ended_at: columns.time_if_any()?,
                kept: columns.next()?,
            };
            sessions.push((session, user, hash));
        }
        Ok(sessions)
    }

    /// One session.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let found = rows::session::Entity::find_by_id((self.tenant.0, id.0)).one(self.reader()).await?;
        found.map(read_session).transpose()
    }

    /// The sessions of a person that have not ended, newest first.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let found = rows::session::Entity::find()
            .filter(rows::session::Column::TenantId.eq(self.tenant.0))
            .filter(rows::session::Column::UserId.eq(user.0))
            .filter(rows::session::Column::EndedAt.is_null())
            .filter(rows::session::Column::IdleExpiresAt.gt(now.seconds()))
            .filter(rows::session::Column::ExpiresAt.gt(now.seconds()))
            .order_by_desc(rows::session::Column::LastSeenAt)
            .all(self.reader())
            .await?;
        found.into_iter().map(read_session).collect()
    }

    /// The row of a new session.
    pub fn new_session(&self, session: &Session, secret: &SecretHash) -> Change {
        Change::new().insert(rows::session::ActiveModel {
            tenant_id: Set(self.tenant.0),
            id: Set(session.id.0),
            user_id: Set(session.user_id.0),
            secret_hash: Set(secret.bytes().to_vec()),
            auth_time_at: Set(session.authentication.at.seconds()),
            acr: Set(session.authentication.acr.clone()),
            amr: Set(serde_json::to_string(&session.authentication.amr).unwrap_or_default()),
            user_agent: Set(session.user_agent.clone()),
            created_at: Set(session.created_at.seconds()),
            last_seen_at: Set(session.last_seen_at.seconds()),
            idle_expires_at: Set(session.idle_expires_at.seconds()),
            expires_at: Set(session.expires_at.seconds()),
            ended_at: Set(None),
            kept: Set(session.kept),
        })
    }

    /// The same person signs in again in the same browser: the session goes on under a new secret.
    pub fn renewed_session(&self, session: &Session, secret: &SecretHash) -> Change {
        let update = self
            .one_session(session.id)
            .set("secret_hash", secret.bytes().to_vec())
            .set("auth_time_at", session.authentication.at.seconds())
            .set("acr", session.authentication.acr.clone())
            .set("amr", serde_json::to_string(&session.authentication.amr).unwrap_or_default())
            .set("user_agent", session.user_agent.clone())
            .set("last_seen_at", session.last_seen_at.seconds())
            .set("idle_expires_at", session.idle_expires_at.seconds())
            .set("expires_at", session.expires_at.seconds())
            .set("kept", session.kept)
            .without("ended_at");
        Change::new().update(update)
    }

    /// Notes that a session was used.
    pub fn used_session(&self, id: SessionId, idle_expires_at: Timestamp, now: Timestamp) -> Change {
        let update = self
            .one_session(id)
            .set("last_seen_at", now.seconds())
            .set("idle_expires_at", idle_expires_at.seconds())
            .without("ended_at");
        Change::new().update(update)
    }

    /// Ends a session and the grants that need it, as a part of something else.
    pub fn ended_session(&self, id: SessionId, now: Timestamp) -> Change {
        let end = self.one_session(id).set("ended_at", now.seconds()).without("ended_at");
        Change::new().update(end).and(self.end_grants_of_session(id, now))
    }

    /// Ends a session and the grants that need it. False if it had ended already.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn end_session(&self, id: SessionId, audit: Change, now: Timestamp) -> Result<bool, StoreError> {
        let end = self.one_session(id).set("ended_at", now.seconds()).without("ended_at");
        let change = Change::if_updated(end).and(self.end_grants_of_session(id, now)).and(audit);
        Ok(self.write(change).await? == Outcome::Done)
    }
}
