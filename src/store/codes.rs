//! Authorization codes: stored as hashes, redeemed by one conditional update.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, Related, RelationDef};

use super::change::{Change, Outcome};
use super::error::{StoreError, corrupt};
use super::sessions::read_session;
use super::users::read_user;
use super::{TenantStore, rows};
use crate::protocol::authorization_code::IssuedCode;
use crate::protocol::grant::Grant;
use crate::protocol::identifiers::{ClientId, GrantId};
use crate::protocol::proof_key::CodeChallenge;
use crate::protocol::scope::OFFLINE_ACCESS;
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;

impl Related<rows::account::Entity> for rows::authorization_code::Entity {
    fn to() -> RelationDef {
        Self::belongs_to(rows::account::Entity)
            .from((rows::authorization_code::Column::TenantId, rows::authorization_code::Column::UserId))
            .to((rows::account::Column::TenantId, rows::account::Column::Id))
            .into()
    }
}

impl Related<rows::session::Entity> for rows::authorization_code::Entity {
    fn to() -> RelationDef {
        Self::belongs_to(rows::session::Entity)
            .from((rows::authorization_code::Column::TenantId, rows::authorization_code::Column::SessionId))
            .to((rows::session::Column::TenantId, rows::session::Column::Id))
            .into()
    }
}

/// A code with what stands behind it.
#[derive(Debug)]
pub struct CodeInContext {
    /// The code.
    pub code: IssuedCode,
    /// The person, unless gone.
    pub user: Option<User>,
    /// Whether the session of the code is alive; with `offline_access` it need not be.
    pub session_alive: bool,
}

fn read_code(row: rows::authorization_code::Model) -> Result<IssuedCode, StoreError> {
    Ok(IssuedCode {
        client_id: ClientId::parse(&row.client_id).ok_or(corrupt("authorization_code", "client_id"))?,
        grant_id: GrantId(row.grant_id),
        allowed: serde_json::from_str(&row.allowed).map_err(|_| corrupt("authorization_code", "allowed"))?,
        redirect_uri: row.redirect_uri,
        redirect_uri_given: row.redirect_uri_given,
        code_challenge: row.code_challenge.map(CodeChallenge::stored),
        issued_at: Timestamp::from_seconds(row.issued_at),
        expires_at: Timestamp::from_seconds(row.expires_at),
        redeemed_at: row.redeemed_at.map(Timestamp::from_seconds),
    })
}

impl TenantStore {
    /// The row of a new code.
    pub fn new_code(&self, hash: &SecretHash, code: &IssuedCode) -> Change {
        Change::new().insert(rows::authorization_code::ActiveModel {
            tenant_id: Set(self.tenant.0),
            code_hash: Set(hash.bytes().to_vec()),
            client_id: Set(code.client_id.as_str().to_owned()),
            grant_id: Set(code.grant_id.0),
            user_id: Set(code.allowed.user_id.0),
            session_id: Set(code.allowed.session_id.0),
            allowed: Set(serde_json::to_string(&code.allowed).unwrap_or_default()),
            redirect_uri: Set(code.redirect_uri.clone()),
            redirect_uri_given: Set(code.redirect_uri_given),
            code_challenge: Set(code.code_challenge.as_ref().map(|challenge| challenge.as_str().to_owned())),
            issued_at: Set(code.issued_at.seconds()),
            expires_at: Set(code.expires_at.seconds()),
            redeemed_at: Set(None),
        })
    }

    /// The code with this hash, with the person and the session behind it as they are now: one round trip.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn code(&self, hash: &SecretHash, now: Timestamp) -> Result<Option<CodeInContext>, StoreError> {
        let found = rows::authorization_code::Entity::find()
            .find_also_related(rows::account::Entity)
            .find_also_related(rows::session::Entity)
            .filter(rows::authorization_code::Column::TenantId.eq(self.tenant.0))
            .filter(rows::authorization_code::Column::CodeHash.eq(hash.bytes().to_vec()))
            .one(self.reader())
            .await?;
        let Some((row, account, session)) = found else { return Ok(None) };
        let code = read_code(row)?;
        let session = session.map(read_session).transpose()?;
        let session_alive =
            code.allowed.scope.contains(OFFLINE_ACCESS) || session.is_some_and(|(session, _)| session.is_alive(now));
        Ok(Some(CodeInContext { code, user: account.map(read_user).transpose()?, session_alive }))
    }

    /// Marks the code as redeemed and begins its grant. False if someone else did so first: the condition in
    /// the update is what makes a code single-use (I1).
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn redeem_code(
        &self,
        hash: &SecretHash,
        grant: &Grant,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let redeem = Query::update()
            .table(Alias::new("authorization_code"))
            .value(Alias::new("redeemed_at"), now.seconds())
            .and_where(Expr::col(Alias::new("tenant_id")).eq(self.tenant.0))
            .and_where(Expr::col(Alias::new("code_hash")).eq(hash.bytes().to_vec()))
            .and_where(Expr::col(Alias::new("redeemed_at")).is_null())
            .and_where(Expr::col(Alias::new("expires_at")).gt(now.seconds()))
            .to_owned();
        let change = Change::if_updated(redeem).and(self.new_grant(grant)).and(audit);
        Ok(self.write(&change).await? == Outcome::Done)
    }
}
