//! Sessions of people. The browser holds secrets; the rows hold their hashes.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, UpdateStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef,
};

use super::change::{Change, Outcome};
use super::error::{StoreError, corrupt};
use super::{TenantStore, rows};
use crate::protocol::grant::Authentication;
use crate::protocol::identifiers::{SessionId, UserId};
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;
use crate::sign_in::session::Session;

pub(super) fn read_session(row: rows::session::Model) -> Result<(Session, SecretHash), StoreError> {
    let session = Session {
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
    };
    Ok((session, SecretHash::stored(row.secret_hash)))
}

impl TenantStore {
    fn one_session(&self, id: SessionId) -> UpdateStatement {
        Query::update()
            .table(Alias::new("session"))
            .and_where(Expr::col(Alias::new("tenant_id")).eq(self.tenant.0))
            .and_where(Expr::col(Alias::new("id")).eq(id.0))
            .to_owned()
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
        let person: RelationDef = rows::session::Entity::belongs_to(rows::account::Entity)
            .from((rows::session::Column::TenantId, rows::session::Column::UserId))
            .to((rows::account::Column::TenantId, rows::account::Column::Id))
            .into();
        let found = rows::session::Entity::find()
            .join(JoinType::InnerJoin, person)
            .select_also(rows::account::Entity)
            .filter(rows::session::Column::TenantId.eq(self.tenant.0))
            .filter(rows::session::Column::SecretHash.is_in(hashes.iter().map(|hash| hash.bytes().to_vec())))
            .all(self.reader())
            .await?;
        let mut sessions = Vec::with_capacity(found.len());
        for (session, account) in found {
            let Some(account) = account else { continue };
            let (session, hash) = read_session(session)?;
            sessions.push((session, super::users::read_user(account)?, hash));
        }
        Ok(sessions)
    }

    /// One session.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let found = rows::session::Entity::find_by_id((self.tenant.0, id.0)).one(self.reader()).await?;
        found.map(|row| read_session(row).map(|(session, _)| session)).transpose()
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
        found.into_iter().map(|row| read_session(row).map(|(session, _)| session)).collect()
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
        })
    }

    /// The same person signs in again in the same browser: the session goes on under a new secret.
    pub fn renewed_session(&self, session: &Session, secret: &SecretHash) -> Change {
        let update = self
            .one_session(session.id)
            .value(Alias::new("secret_hash"), secret.bytes().to_vec())
            .value(Alias::new("auth_time_at"), session.authentication.at.seconds())
            .value(Alias::new("acr"), session.authentication.acr.clone())
            .value(Alias::new("amr"), serde_json::to_string(&session.authentication.amr).unwrap_or_default())
            .value(Alias::new("user_agent"), session.user_agent.clone())
            .value(Alias::new("last_seen_at"), session.last_seen_at.seconds())
            .value(Alias::new("idle_expires_at"), session.idle_expires_at.seconds())
            .value(Alias::new("expires_at"), session.expires_at.seconds())
            .and_where(Expr::col(Alias::new("ended_at")).is_null())
            .to_owned();
        Change::new().update(update)
    }

    /// Notes that a session was used.
    pub fn used_session(&self, id: SessionId, idle_expires_at: Timestamp, now: Timestamp) -> Change {
        let update = self
            .one_session(id)
            .value(Alias::new("last_seen_at"), now.seconds())
            .value(Alias::new("idle_expires_at"), idle_expires_at.seconds())
            .and_where(Expr::col(Alias::new("ended_at")).is_null())
            .to_owned();
        Change::new().update(update)
    }

    /// Ends a session and the grants that need it. False if it had ended already.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn end_session(&self, id: SessionId, audit: Change, now: Timestamp) -> Result<bool, StoreError> {
        let end = self
            .one_session(id)
            .value(Alias::new("ended_at"), now.seconds())
            .and_where(Expr::col(Alias::new("ended_at")).is_null())
            .to_owned();
        let change = Change::if_updated(end).and(self.end_grants_of_session(id, now)).and(audit);
        Ok(self.write(&change).await? == Outcome::Done)
    }
}
