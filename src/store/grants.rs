//! Grants with their refresh token families, single revoked tokens, and used assertions.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, UpdateStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryTrait, Related,
    RelationDef, SelectThree,
};

use super::change::{Change, Outcome};
use super::error::{StoreError, corrupt};
use super::sessions::read_session;
use super::users::read_user;
use super::{TenantStore, rows};
use crate::protocol::client_authentication::AssertionUse;
use crate::protocol::grant::Grant;
use crate::protocol::identifiers::{ClientId, GrantId, SessionId, UserId};
use crate::protocol::scope::OFFLINE_ACCESS;
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;

fn read_grant(row: rows::token_grant::Model) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: GrantId(row.id),
        client_id: ClientId::parse(&row.client_id).ok_or(corrupt("token_grant", "client_id"))?,
        allowed: serde_json::from_str(&row.allowed).map_err(|_| corrupt("token_grant", "allowed"))?,
        created_at: Timestamp::from_seconds(row.created_at),
        expires_at: Timestamp::from_seconds(row.expires_at),
        idle_expires_at: Timestamp::from_seconds(row.idle_expires_at),
        generation: u32::try_from(row.generation).map_err(|_| corrupt("token_grant", "generation"))?,
        rotated_at: Timestamp::from_seconds(row.rotated_at),
        revoked_at: row.revoked_at.map(Timestamp::from_seconds),
    })
}

impl Related<rows::account::Entity> for rows::token_grant::Entity {
    fn to() -> RelationDef {
        Self::belongs_to(rows::account::Entity)
            .from((rows::token_grant::Column::TenantId, rows::token_grant::Column::UserId))
            .to((rows::account::Column::TenantId, rows::account::Column::Id))
            .into()
    }
}

impl Related<rows::session::Entity> for rows::token_grant::Entity {
    fn to() -> RelationDef {
        Self::belongs_to(rows::session::Entity)
            .from((rows::token_grant::Column::TenantId, rows::token_grant::Column::SessionId))
            .to((rows::session::Column::TenantId, rows::session::Column::Id))
            .into()
    }
}

type GrantAndMore =
    SelectThree<rows::token_grant::Entity, rows::account::Entity, rows::session::Entity, sea_orm::TopologyStar>;

fn read_context(
    grant: rows::token_grant::Model,
    account: Option<rows::account::Model>,
    session: Option<rows::session::Model>,
    now: Timestamp,
) -> Result<GrantInContext, StoreError> {
    let grant = read_grant(grant)?;
    let user = account.map(read_user).transpose()?;
    let session = session.map(read_session).transpose()?;
    let session_alive =
        grant.allowed.scope.contains(OFFLINE_ACCESS) || session.is_some_and(|(session, _)| session.is_alive(now));
    Ok(GrantInContext { grant, user, session_alive })
}

/// A grant with the person and the session behind it, as they are now.
#[derive(Debug)]
pub struct GrantInContext {
    /// The grant.
    pub grant: Grant,
    /// The person, unless gone.
    pub user: Option<User>,
    /// Whether the session of the grant is alive; a grant with `offline_access` does not need it.
    pub session_alive: bool,
}

impl TenantStore {
    fn one_grant(&self, id: GrantId) -> UpdateStatement {
        Query::update()
            .table(Alias::new("token_grant"))
            .and_where(Expr::col(Alias::new("tenant_id")).eq(self.tenant.0))
            .and_where(Expr::col(Alias::new("id")).eq(id.0))
            .to_owned()
    }

    /// One grant.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        let found = rows::token_grant::Entity::find_by_id((self.tenant.0, id.0)).one(self.reader()).await?;
        found.map(read_grant).transpose()
    }

    /// One grant with the person and, where it matters, the session.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn grant_in_context(&self, id: GrantId, now: Timestamp) -> Result<Option<GrantInContext>, StoreError> {
        let found = self.select_in_context(id).one(self.reader()).await?;
        let read = |(grant, account, session)| read_context(grant, account, session, now);
        found.map(read).transpose()
    }

    /// One round trip for the grant, the person and the session.
    fn select_in_context(&self, id: GrantId) -> GrantAndMore {
        rows::token_grant::Entity::find()
            .find_also_related(rows::account::Entity)
            .find_also_related(rows::session::Entity)
            .filter(rows::token_grant::Column::TenantId.eq(self.tenant.0))
            .filter(rows::token_grant::Column::Id.eq(id.0))
    }

    /// What decides whether an access token still counts: its grant in context, and whether it was revoked alone.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn token_context(
        &self,
        grant: Option<GrantId>,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<(Option<GrantInContext>, bool), StoreError> {
        let Some(id) = grant else { return Ok((None, self.is_token_revoked(hash).await?)) };
        let revoked = Query::select()
            .expr(Expr::val(1))
            .from(rows::revoked_token::Entity)
            .and_where(
                Expr::col((rows::revoked_token::Entity, rows::revoked_token::Column::TenantId)).eq(self.tenant.0),
            )
            .and_where(
                Expr::col((rows::revoked_token::Entity, rows::revoked_token::Column::TokenHash))
                    .eq(hash.bytes().to_vec()),
            )
            .to_owned();
        let mut query = self.select_in_context(id).into_query();
        query.expr_as(Expr::exists(revoked), Alias::new("revoked"));
        let Some(row) = self.reader().query_one(&query).await? else { return Ok((None, false)) };
        let context = read_context(
            rows::token_grant::Model::from_query_result(&row, "A_")?,
            rows::account::Model::from_query_result_optional(&row, "B_")?,
            rows::session::Model::from_query_result_optional(&row, "C_")?,
            now,
        )?;
        Ok((Some(context), row.try_get("", "revoked")?))
    }

    /// The row of a new grant.
    pub fn new_grant(&self, grant: &Grant) -> Change {
        Change::new().insert(rows::token_grant::ActiveModel {
            tenant_id: Set(self.tenant.0),
            id: Set(grant.id.0),
            client_id: Set(grant.client_id.as_str().to_owned()),
            user_id: Set(grant.allowed.user_id.0),
            session_id: Set(grant.allowed.session_id.0),
            allowed: Set(serde_json::to_string(&grant.allowed).unwrap_or_default()),
            offline: Set(grant.allowed.scope.contains(OFFLINE_ACCESS)),
            generation: Set(i64::from(grant.generation)),
            created_at: Set(grant.created_at.seconds()),
            rotated_at: Set(grant.rotated_at.seconds()),
            idle_expires_at: Set(grant.idle_expires_at.seconds()),
            expires_at: Set(grant.expires_at.seconds()),
            revoked_at: Set(None),
        })
    }

    /// Makes the successor of a refresh token live. False if another request was first: the condition in the
    /// update is what lets a token have one successor at most (I2).
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn rotate_refresh_token(
        &self,
        grant: &Grant,
        idle_expires_at: Timestamp,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let rotate = self
            .one_grant(grant.id)
            .value(Alias::new("generation"), i64::from(grant.generation) + 1)
            .value(Alias::new("rotated_at"), now.seconds())
            .value(Alias::new("idle_expires_at"), idle_expires_at.seconds())
            .and_where(Expr::col(Alias::new("generation")).eq(i64::from(grant.generation)))
            .and_where(Expr::col(Alias::new("revoked_at")).is_null())
            .to_owned();
        Ok(self.write(&Change::if_updated(rotate).and(audit)).await? == Outcome::Done)
    }

    /// Ends a grant. False if it was ended already.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn end_grant(&self, id: GrantId, audit: Change, now: Timestamp) -> Result<bool, StoreError> {
        let end = self
            .one_grant(id)
            .value(Alias::new("revoked_at"), now.seconds())
            .and_where(Expr::col(Alias::new("revoked_at")).is_null())
            .to_owned();
        Ok(self.write(&Change::if_updated(end).and(audit)).await? == Outcome::Done)
    }

    /// Ends the grants of a session, but for those that were allowed to outlive it (`offline_access`, OIDC Core §11).
    pub(super) fn end_grants_of_session(&self, id: SessionId, now: Timestamp) -> Change {
        let end = Query::update()
            .table(Alias::new("token_grant"))
            .value(Alias::new("revoked_at"), now.seconds())
            .and_where(Expr::col(Alias::new("tenant_id")).eq(self.tenant.0))
            .and_where(Expr::col(Alias::new("session_id")).eq(id.0))
            .and_where(Expr::col(Alias::new("offline")).eq(false))
            .and_where(Expr::col(Alias::new("revoked_at")).is_null())
            .to_owned();
        Change::new().update(end)
    }

    /// Which clients have live grants in a session, for the pages.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn clients_of_sessions(&self, ids: &[SessionId]) -> Result<Vec<(SessionId, String)>, StoreError> {
        let found = rows::token_grant::Entity::find()
            .filter(rows::token_grant::Column::TenantId.eq(self.tenant.0))
            .filter(rows::token_grant::Column::SessionId.is_in(ids.iter().map(|id| id.0)))
            .filter(rows::token_grant::Column::RevokedAt.is_null())
            .all(self.reader())
            .await?;
        let mut pairs: Vec<_> = found.into_iter().map(|row| (SessionId(row.session_id), row.client_id)).collect();
        pairs.sort();
        pairs.dedup();
        Ok(pairs)
    }

    /// Forgets what a person allowed a client, and ends the grants that came of it.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn revoke_consent(
        &self,
        user: UserId,
        client: &ClientId,
        audit: Change,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let forget = Query::delete()
            .from_table(Alias::new("consent"))
            .and_where(Expr::col(Alias::new("tenant_id")).eq(self.tenant.0))
            .and_where(Expr::col(Alias::new("user_id")).eq(user.0))
            .and_where(Expr::col(Alias::new("client_id")).eq(client.as_str()))
            .to_owned();
        let end = Query::update()
            .table(Alias::new("token_grant"))
            .value(Alias::new("revoked_at"), now.seconds())
            .and_where(Expr::col(Alias::new("tenant_id")).eq(self.tenant.0))
            .and_where(Expr::col(Alias::new("user_id")).eq(user.0))
            .and_where(Expr::col(Alias::new("client_id")).eq(client.as_str()))
            .and_where(Expr::col(Alias::new("revoked_at")).is_null())
            .to_owned();
        let codes = Query::delete()
            .from_table(Alias::new("authorization_code"))
            .and_where(Expr::col(Alias::new("tenant_id")).eq(self.tenant.0))
            .and_where(Expr::col(Alias::new("user_id")).eq(user.0))
            .and_where(Expr::col(Alias::new("client_id")).eq(client.as_str()))
            .and_where(Expr::col(Alias::new("redeemed_at")).is_null())
            .to_owned();
        self.write(&Change::new().delete(forget).delete(codes).update(end).and(audit)).await.map(|_| ())
    }

    /// Remembers that a single token is revoked until it would have expired.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn revoke_token(
        &self,
        hash: &SecretHash,
        expires_at: Timestamp,
        audit: Change,
    ) -> Result<(), StoreError> {
        let change = Change::if_inserted(rows::revoked_token::ActiveModel {
            tenant_id: Set(self.tenant.0),
            token_hash: Set(hash.bytes().to_vec()),
            expires_at: Set(expires_at.seconds()),
        });
        self.write(&change.and(audit)).await.map(|_| ())
    }

    /// Whether a single token is revoked.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn is_token_revoked(&self, hash: &SecretHash) -> Result<bool, StoreError> {
        let key = (self.tenant.0, hash.bytes().to_vec());
        Ok(rows::revoked_token::Entity::find_by_id(key).one(self.reader()).await?.is_some())
    }

    /// Remembers that an assertion was used. False if it was before (I4).
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn use_assertion(&self, used: &AssertionUse) -> Result<bool, StoreError> {
        let change = Change::if_inserted(rows::used_assertion::ActiveModel {
            tenant_id: Set(self.tenant.0),
            assertion_hash: Set(used.hash.bytes().to_vec()),
            expires_at: Set(used.expires_at.seconds()),
        });
        Ok(self.write(&change).await? == Outcome::Done)
    }
}
