//! Notices of changed configuration: how replicas learn within two seconds that a cached tenant, client or key is old.

use sea_orm::ActiveValue::Set;
use uuid::Uuid;

use super::change::Change;
use super::error::StoreError;
use super::read::Columns;
use super::{Store, TenantStore, rows};
use crate::mint;
use crate::protocol::identifiers::TenantId;
use crate::protocol::timestamp::Timestamp;

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The tenant itself, its resources or its keys.
    Tenant,
    /// One client.
    Client(String),
}

/// A notice as it stands in the database.
#[derive(Clone, Debug)]
pub struct Noticed {
    /// Its name.
    pub id: Uuid,
    /// Whose configuration changed.
    pub tenant: TenantId,
    /// What changed.
    pub notice: Notice,
}

impl TenantStore {
    /// The row that tells other replicas; written in the same change as what it tells.
    pub(super) fn notice(&self, notice: Notice, now: Timestamp) -> Change {
        let (kind, name) = match notice {
            Notice::Tenant => ("tenant", String::new()),
            Notice::Client(id) => ("client", id),
        };
        Change::new().insert(rows::change_notice::ActiveModel {
            tenant_id: Set(self.tenant.0),
            id: Set(mint::opaque_id()),
            kind: Set(kind.to_owned()),
            name: Set(name),
            noticed_at: Set(now.seconds()),
        })
    }
}

impl Store {
    /// All notices since `since`. Asked with some overlap, because transactions become visible in another
    /// order than they began in; the names tell which ones are known already.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn notices_since(&self, since: Timestamp) -> Result<Vec<Noticed>, StoreError> {
        const SQL: &str = "SELECT id, tenant_id, kind, name FROM change_notice WHERE noticed_at >= $1";
        let mut notices = Vec::new();
        for row in self.hot_rows(SQL, vec![since.seconds().into()]).await? {
            let mut columns = Columns::of(&row);
            let (id, tenant) = (columns.next()?, TenantId(columns.next()?));
            let (kind, name): (String, String) = (columns.next()?, columns.next()?);
            let notice = if kind == "client" { Notice::Client(name) } else { Notice::Tenant };
            notices.push(Noticed { id, tenant, notice });
        }
        Ok(notices)
    }
}
