//! Grants with their refresh token families, single revoked tokens, and used assertions.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::change::{Change, Outcome, Rows};
use super::error::{StoreError, corrupt};
use super::read::{Columns, person_and_session, session_columns, user_columns};
use super::{TenantStore, rows};
use crate::protocol::client_authentication::AssertionUse;
use crate::protocol::grant::Grant;
use crate::protocol::identifiers::{ClientId, GrantId, SessionId, UserId};
use crate::protocol::scope::OFFLINE_ACCESS;
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;

/// The columns that [`read_grant_in_context`] reads, and where they come from.
macro_rules! grant_in_context {
    ($more:literal) => {
        concat!(
            "SELECT g.id, g.client_id, g.allowed, g.created_at, g.expires_at, g.idle_expires_at, g.generation, \
             g.rotated_at, g.revoked_at, ",
            user_columns!(),
            ", ",
            session_columns!(),
            $more,
            " FROM token_grant g",
            person_and_session!(),
            "WHERE g.tenant_id = $1 AND g.id = $2"
        )
    };
}

fn read_grant_in_context(columns: &mut Columns<'_>, now: Timestamp) -> Result<GrantInContext, StoreError> {
    let unreadable = |column| corrupt("token_grant", column);
    let grant = Grant {
        id: GrantId(columns.next()?),
        client_id: ClientId::parse(&columns.next::<String>()?).ok_or(unreadable("client_id"))?,
        allowed: serde_json::from_str(&columns.next::<String>()?).map_err(|_| unreadable("allowed"))?,
        created_at: columns.time()?,
        expires_at: columns.time()?,
        idle_expires_at: columns.time()?,
        generation: u32::try_from(columns.next::<i64>()?).map_err(|_| unreadable("generation"))?,
        rotated_at: columns.time()?,
        revoked_at: columns.time_if_any()?,
    };
    let user = columns.user()?;
    let session_alive = columns.session_alive(now)? || grant.allowed.scope.contains(OFFLINE_ACCESS);
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
    fn one_grant(&self, id: GrantId) -> Rows {
        self.rows("token_grant").with("id", id.0)
    }

    /// One grant with the person and the session: one round trip.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn grant_in_context(&self, id: GrantId, now: Timestamp) -> Result<Option<GrantInContext>, StoreError> {
        let row = self.one_row(grant_in_context!(""), [id.0.into()]).await?;
        row.map(|row| read_grant_in_context(&mut Columns::of(&row), now)).transpose()
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
        const SQL: &str =
            grant_in_context!(", EXISTS (SELECT 1 FROM revoked_token r WHERE r.tenant_id = $1 AND r.token_hash = $3)");
        let Some(id) = grant else { return Ok((None, self.is_token_revoked(hash).await?)) };
        let row = self.one_row(SQL, [id.0.into(), hash.bytes().to_vec().into()]).await?;
        let Some(row) = row else { return Ok((None, false)) };
        let mut columns = Columns::of(&row);
        let context = read_grant_in_context(&mut columns, now)?;
        Ok((Some(context), columns.next()?))
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
            .set("generation", i64::from(grant.generation) + 1)
            .set("rotated_at", now.seconds())
            .set("idle_expires_at", idle_expires_at.seconds())
            .with("generation", i64::from(grant.generation))
            .without("revoked_at");
        Ok(self.write(Change::if_updated(rotate).and(audit)).await? == Outcome::Done)
    }

    /// Ends a grant. False if it was ended already.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn end_grant(&self, id: GrantId, audit: Change, now: Timestamp) -> Result<bool, StoreError> {
        let end = self.one_grant(id).set("revoked_at", now.seconds()).without("revoked_at");
        Ok(self.write(Change::if_updated(end).and(audit)).await? == Outcome::Done)
    }

    /// Ends the grants of a session, but for those that were allowed to outlive it (`offline_access`, OIDC Core §11).
    pub(super) fn end_grants_of_session(&self, id: SessionId, now: Timestamp) -> Change {
        let end = self
            .rows("token_grant")
            .set("revoked_at", now.seconds())
            .with("session_id", id.0)
            .with("offline", false)
            .without("revoked_at");
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
        let forget = self.rows("consent").with("user_id", user.0).with("client_id", client.as_str());
        let (codes, grants) = self.came_of_consent((user, client), now);
        let change = Change::new().delete(forget).and(audit);
        self.write_and_end(change, codes.and(grants)).await.map(|_| ())
    }

    /// Writes a consent to less than before: what came of the wider one ends with it, but for the code that `issued`
    /// adds. Nobody can have redeemed that one yet.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn narrow_consent(
        &self,
        of: (UserId, &ClientId),
        change: Change,
        issued: Change,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let (codes, grants) = self.came_of_consent(of, now);
        self.write_and_end(change.and(codes).and(issued), grants).await
    }

    /// What removes the codes that wait, and what ends the grants, of all that `user` allowed `client`.
    fn came_of_consent(&self, (user, client): (UserId, &ClientId), now: Timestamp) -> (Change, Change) {
        let of = |table| self.rows(table).with("user_id", user.0).with("client_id", client.as_str());
        let end = of("token_grant").set("revoked_at", now.seconds()).without("revoked_at");
        (Change::new().delete(of("authorization_code").without("redeemed_at")), Change::new().update(end))
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
        self.write(change.and(audit)).await.map(|_| ())
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
        Ok(self.write(change).await? == Outcome::Done)
    }
}
