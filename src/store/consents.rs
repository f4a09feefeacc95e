//! What people allowed clients, remembered.

use sea_orm::ActiveValue::Set;

use super::change::Change;
use super::error::{StoreError, corrupt};
use super::read::Columns;
use super::{TenantStore, rows};
use crate::protocol::identifiers::{ClientId, UserId};
use crate::protocol::scope::Scope;
use crate::protocol::timestamp::Timestamp;
use crate::sign_in::engine::Consent;

impl TenantStore {
    /// What `user` allowed `client` before.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn consent(&self, user: UserId, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        const SQL: &str = "SELECT scope, resources, claims, declined FROM consent \
            WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3";
        let Some(row) = self.one_row(SQL, [user.0.into(), client.as_str().into()]).await? else { return Ok(None) };
        let mut columns = Columns::of(&row);
        let mut next = || columns.next::<String>();
        Ok(Some(Consent {
            scope: Scope::parse(&next()?).map_err(|_| corrupt("consent", "scope"))?,
            resources: serde_json::from_str(&next()?).map_err(|_| corrupt("consent", "resources"))?,
            claims: serde_json::from_str(&next()?).map_err(|_| corrupt("consent", "claims"))?,
            declined: Scope::parse(&next()?).map_err(|_| corrupt("consent", "declined"))?,
        }))
    }

    /// Remembers all that `user` allows `client` from now on: `consent` is the whole of it. `known` tells whether
    /// something was remembered before.
    pub fn remember_consent(
        &self,
        (user, client): (UserId, &ClientId),
        consent: &Consent,
        known: bool,
        now: Timestamp,
    ) -> Change {
        let list = |names: &[String]| serde_json::to_string(names).unwrap_or_default();
        let (scope, resources) = (consent.scope.to_string(), list(&consent.resources));
        let (claims, declined) = (list(&consent.claims), consent.declined.to_string());
        if known {
            let update = self
                .rows("consent")
                .set("scope", scope)
                .set("resources", resources)
                .set("claims", claims)
                .set("declined", declined)
                .set("granted_at", now.seconds())
                .with("user_id", user.0)
                .with("client_id", client.as_str());
            return Change::new().update(update);
        }
        Change::new().insert_unless_taken(rows::consent::ActiveModel {
            tenant_id: Set(self.tenant.0),
            user_id: Set(user.0),
            client_id: Set(client.as_str().to_owned()),
            scope: Set(scope),
            resources: Set(resources),
            claims: Set(claims),
            declined: Set(declined),
            granted_at: Set(now.seconds()),
        })
    }
}
