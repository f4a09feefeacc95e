//! People: account, login identifiers and credentials are rows of their own.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::change::{Change, Outcome, Rows};
use super::error::{StoreError, corrupt};
use super::read::{Columns, user_columns};
use super::{TenantStore, rows};
use crate::protocol::identifiers::UserId;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::{User, UserStatus};

/// The kinds of login identifiers.
const USERNAME: &str = "username";
const EMAIL: &str = "email";
/// The kind of a password credential.
const PASSWORD: &str = "password";

/// A password as it is stored, with what was tried against it.
#[derive(Clone, Debug)]
pub struct PasswordRecord {
    /// The PHC string.
    pub phc: String,
    /// Failures since the last success.
    pub failures: i64,
    /// When the last one was.
    pub last_failed_at: Timestamp,
    /// When the person or an administrator set it; a new hash of the same password changes nothing.
    pub set_at: Timestamp,
}

/// A person, to be written.
#[derive(Clone, Debug)]
pub struct UserDraft {
    /// The account.
    pub user: User,
    /// The user name, normalised.
    pub username: String,
    /// The mail address, normalised, if it serves to sign in.
    pub email: Option<String>,
    /// The password's PHC string.
    pub phc: Option<String>,
    /// Whether the person administers the tenant.
    pub administrator: bool,
}

fn claims_text(user: &User) -> String {
    serde_json::to_string(&user.claims).unwrap_or_default()
}

pub(super) fn read_user(row: rows::account::Model) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(row.id),
        status: UserStatus::parse(&row.status).ok_or(corrupt("account", "status"))?,
        username: row.username,
        claims: serde_json::from_str(&row.claims).map_err(|_| corrupt("account", "claims"))?,
        created_at: Timestamp::from_seconds(row.created_at),
        audit_salt: row.audit_salt,
    })
}

impl TenantStore {
    fn own(&self, table: &'static str, user: UserId) -> Rows {
        self.rows(table).with(if table == "account" { "id" } else { "user_id" }, user.0)
    }

    /// The person with this id.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let found = rows::account::Entity::find_by_id((self.tenant.0, id.0)).one(self.reader()).await?;
        found.map(read_user).transpose()
    }

    /// The people with these ids.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let found = rows::account::Entity::find()
            .filter(rows::account::Column::TenantId.eq(self.tenant.0))
            .filter(rows::account::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .all(self.reader())
            .await?;
        found.into_iter().map(read_user).collect()
    }

    /// The person with this normalised user name or mail address, and the password, in one round trip.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn user_to_sign_in(
        &self,
        identifier: &str,
    ) -> Result<Option<(User, Option<PasswordRecord>)>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", c.data, c.failures, c.last_failed_at, c.updated_at FROM login_identifier l \
             JOIN account a ON a.tenant_id = l.tenant_id AND a.id = l.user_id \
             LEFT JOIN credential c ON c.tenant_id = l.tenant_id AND c.user_id = l.user_id AND c.kind = $3 \
             WHERE l.tenant_id = $1 AND l.value = $2 AND l.kind IN ('username', 'email')"
        );
        let Some(row) = self.one_row(SQL, [identifier.into(), PASSWORD.into()]).await? else { return Ok(None) };
        let mut columns = Columns::of(&row);
        let Some(user) = columns.user()? else { return Ok(None) };
        let phc: Option<String> = columns.next()?;
        let (failures, last_failed_at, set_at): (Option<i64>, Option<i64>, Option<i64>) =
            (columns.next()?, columns.next()?, columns.next()?);
        let password = phc.map(|phc| PasswordRecord {
            phc,
            failures: failures.unwrap_or_default(),
            last_failed_at: Timestamp::from_seconds(last_failed_at.unwrap_or_default()),
            set_at: Timestamp::from_seconds(set_at.unwrap_or_default()),
        });
        Ok(Some((user, password)))
    }

    /// When the password of a person was set, if there is one.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn password_set_at(&self, id: UserId) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str = "SELECT updated_at FROM credential WHERE tenant_id = $1 AND user_id = $2 AND kind = $3";
        let Some(row) = self.one_row(SQL, [id.0.into(), PASSWORD.into()]).await? else { return Ok(None) };
        Ok(Some(Columns::of(&row).time()?))
    }

    /// The people after `after`, in the order of their ids.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn users(&self, after: Option<UserId>, limit: u64) -> Result<Vec<User>, StoreError> {
        let mut query = rows::account::Entity::find().filter(rows::account::Column::TenantId.eq(self.tenant.0));
        if let Some(after) = after {
            query = query.filter(rows::account::Column::Id.gt(after.0));
        }
        let found = query.order_by_asc(rows::account::Column::Id).limit(limit).all(self.reader()).await?;
        found.into_iter().map(read_user).collect()
    }

    /// Whether the tenant has an administrator.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn has_administrator(&self) -> Result<bool, StoreError> {
        let found = rows::account::Entity::find()
            .filter(rows::account::Column::TenantId.eq(self.tenant.0))
            .filter(rows::account::Column::Administrator.eq(true))
            .one(self.reader())
            .await?;
        Ok(found.is_some())
    }

    /// The rows of a new person. Writing them fails with `Duplicate` if a login identifier is taken.
    pub fn new_user(&self, draft: &UserDraft, now: Timestamp) -> Change {
        let user = &draft.user;
        let mut change = Change::new().insert(rows::account::ActiveModel {
            tenant_id: Set(self.tenant.0),
            id: Set(user.id.0),
            status: Set(user.status.as_str().to_owned()),
            username: Set(user.username.clone()),
            claims: Set(claims_text(user)),
            administrator: Set(draft.administrator),
            audit_salt: Set(user.audit_salt.clone()),
            created_at: Set(now.seconds()),
            updated_at: Set(now.seconds()),
        });
        change = change.and(self.identifiers_of(draft));
        if let Some(phc) = &draft.phc {
            change = change.insert(rows::credential::ActiveModel {
                tenant_id: Set(self.tenant.0),
                user_id: Set(user.id.0),
                kind: Set(PASSWORD.to_owned()),
                data: Set(phc.clone()),
                failures: Set(0),
                last_failed_at: Set(0),
                updated_at: Set(now.seconds()),
            });
        }
        change
    }

    fn identifiers_of(&self, draft: &UserDraft) -> Change {
        let names = [Some((USERNAME, &draft.username)), draft.email.as_ref().map(|email| (EMAIL, email))];
        names
            .into_iter()
            .flatten()
            .fold(Change::new(), |change, (kind, value)| change.insert(self.identifier_row(kind, value, draft.user.id)))
    }

    /// Adds a person. False if a login identifier is taken.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn add_user(&self, draft: &UserDraft, audit: Change, now: Timestamp) -> Result<bool, StoreError> {
        match self.write(self.new_user(draft, now).and(audit)).await {
            Ok(_) => Ok(true),
            Err(StoreError::Duplicate) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Adds a person on condition that a one-time token is consumed with it.
    ///
    /// # Errors
    /// `Duplicate` if a login identifier is taken; else a failure of the database.
    pub async fn add_user_by_token(
        &self,
        token: Rows,
        draft: &UserDraft,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = Change::if_updated(token).and(self.new_user(draft, now)).and(audit);
        Ok(self.write(change).await? == Outcome::Done)
    }

    /// Changes the claims of a person, and the mail address that serves to sign in: the normalised old and new one.
    ///
    /// # Errors
    /// `Duplicate` if the new address is taken; else a failure of the database.
    pub async fn update_user(
        &self,
        user: &User,
        (old, new): (Option<&str>, Option<&str>),
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self.own("account", user.id).set("claims", claims_text(user)).set("updated_at", now.seconds());
        let mut change = Change::if_updated(update).and(audit);
        if old != new {
            let forget = self.rows("login_identifier").with("user_id", user.id.0).with("kind", EMAIL);
            change = change.delete(forget);
            if let Some(new) = new {
                change = change.insert(self.identifier_row(EMAIL, new, user.id));
            }
        }
        Ok(self.write(change).await? == Outcome::Done)
    }

    fn identifier_row(&self, kind: &str, value: &str, user: UserId) -> rows::login_identifier::ActiveModel {
        rows::login_identifier::ActiveModel {
            tenant_id: Set(self.tenant.0),
            kind: Set(kind.to_owned()),
            value: Set(value.to_owned()),
            user_id: Set(user.0),
        }
    }

    /// Switches an account on or off; off ends its sessions and grants.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn set_user_status(
        &self,
        id: UserId,
        status: UserStatus,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self.own("account", id).set("status", status.as_str()).set("updated_at", now.seconds());
        let ending = if status == UserStatus::Active { Change::new() } else { self.end_everything_of(id, now) };
        Ok(self.write_and_end(Change::if_updated(update).and(audit), ending).await? == Outcome::Done)
    }

    fn end_everything_of(&self, id: UserId, now: Timestamp) -> Change {
        let end =
            |table: &'static str, column: &'static str| self.own(table, id).set(column, now.seconds()).without(column);
        let codes = self.rows("authorization_code").with("user_id", id.0).without("redeemed_at");
        Change::new().delete(codes).update(end("session", "ended_at")).update(end("token_grant", "revoked_at"))
    }

    /// Sets a password; ends all sessions and grants of the person.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn set_password(&self, id: UserId, phc: &str, audit: Change, now: Timestamp) -> Result<(), StoreError> {
        let replace = self
            .own("credential", id)
            .set("data", phc)
            .set("failures", 0)
            .set("last_failed_at", 0)
            .set("updated_at", now.seconds())
            .with("kind", PASSWORD);
        // Else the first password of this person, unless another server has just written it.
        let row = rows::credential::ActiveModel {
            tenant_id: Set(self.tenant.0),
            user_id: Set(id.0),
            kind: Set(PASSWORD.to_owned()),
            data: Set(phc.to_owned()),
            failures: Set(0),
            last_failed_at: Set(0),
            updated_at: Set(now.seconds()),
        };
        let guards = [Change::if_updated(replace.clone()), Change::if_inserted(row), Change::if_updated(replace)];
        for guard in guards {
            let change = guard.and(audit.clone());
            if self.write_and_end(change, self.end_everything_of(id, now)).await? == Outcome::Done {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }

    /// Counts a wrong password, up to `most`; beyond that only its time is kept.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn count_password_failure(
        &self,
        id: UserId,
        most: i64,
        audit: Change,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let own = self.own("credential", id).set("last_failed_at", now.seconds()).with("kind", PASSWORD);
        let count = own.clone().raise("failures", 1).below("failures", most);
        if self.write(Change::if_updated(count).and(audit.clone())).await? == Outcome::Refused {
            self.write(Change::new().update(own).and(audit)).await?;
        }
        Ok(())
    }

    /// What a right password changes: the failures are forgotten, and a hash of old cost is replaced.
    pub fn password_success(&self, id: UserId, rehashed: Option<&str>, had_failures: bool) -> Change {
        if rehashed.is_none() && !had_failures {
            return Change::new();
        }
        let mut update = self.own("credential", id).with("kind", PASSWORD).set("failures", 0);
        if let Some(phc) = rehashed {
            update = update.set("data", phc);
        }
        Change::new().update(update)
    }
}
