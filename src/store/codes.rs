//! Authorization codes: stored as hashes, redeemed by one conditional update.

use sea_orm::ActiveValue::Set;

use super::change::{Change, Outcome};
use super::error::{StoreError, corrupt};
use super::read::{Columns, person_and_session, session_columns, user_columns};
use super::{TenantStore, rows};
use crate::protocol::authorization_code::IssuedCode;
use crate::protocol::grant::Grant;
use crate::protocol::identifiers::{ClientId, GrantId};
use crate::protocol::proof_key::CodeChallenge;
use crate::protocol::scope::OFFLINE_ACCESS;
use crate::protocol::secret::SecretHash;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::User;

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
        const SQL: &str = concat!(
            "SELECT g.client_id, g.grant_id, g.allowed, g.redirect_uri, g.redirect_uri_given, g.code_challenge, \
             g.issued_at, g.expires_at, g.redeemed_at, ",
            user_columns!(),
            ", ",
            session_columns!(),
            " FROM authorization_code g",
            person_and_session!(),
            "WHERE g.tenant_id = $1 AND g.code_hash = $2"
        );
        let Some(row) = self.one_row(SQL, [hash.bytes().to_vec().into()]).await? else { return Ok(None) };
        let mut columns = Columns::of(&row);
        let unreadable = |column| corrupt("authorization_code", column);
        let code = IssuedCode {
            client_id: ClientId::parse(&columns.next::<String>()?).ok_or(unreadable("client_id"))?,
            grant_id: GrantId(columns.next()?),
            allowed: serde_json::from_str(&columns.next::<String>()?).map_err(|_| unreadable("allowed"))?,
            redirect_uri: columns.next()?,
            redirect_uri_given: columns.next()?,
            code_challenge: columns.next::<Option<String>>()?.map(CodeChallenge::stored),
            issued_at: columns.time()?,
            expires_at: columns.time()?,
            redeemed_at: columns.time_if_any()?,
        };
        let user = columns.user()?;
        let session_alive = columns.session_alive(now)? || code.allowed.scope.contains(OFFLINE_ACCESS);
        Ok(Some(CodeInContext { code, user, session_alive }))
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
        let redeem = self
            .rows("authorization_code")
            .set("redeemed_at", now.seconds())
            .with("code_hash", hash.bytes().to_vec())
            .without("redeemed_at")
            .above("expires_at", now.seconds());
        let change = Change::if_updated(redeem).and(self.new_grant(grant)).and(audit);
        Ok(self.write(change).await? == Outcome::Done)
    }
}
