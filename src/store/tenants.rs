//! Tenants and their resources.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::audit_chain::ChainHead;
use super::change::{Change, Outcome, Rows};
use super::error::{StoreError, corrupt};
use super::{OpenError, Store, TenantStore, notices, rows, tables};
use crate::protocol::identifiers::{Slug, TenantId};
use crate::protocol::policy::TenantStatus;
use crate::protocol::scope::Scope;
use crate::protocol::tenant_settings::TenantSettings;
use crate::protocol::timestamp::Timestamp;
use crate::seal::RootSecret;

/// A tenant as it is stored.
pub struct TenantRecord {
    /// Which.
    pub id: TenantId,
    /// Its name in paths.
    pub slug: Slug,
    /// Its own host, if it has one.
    pub host: Option<String>,
    /// What people read.
    pub name: String,
    /// Whether it is open.
    pub status: TenantStatus,
    /// What it has set.
    pub settings: TenantSettings,
    /// The secret from which its keys are derived.
    pub root_secret: RootSecret,
    /// When it was made.
    pub created_at: Timestamp,
    /// Raised by each change.
    pub version: i64,
}

/// An API of a tenant that may be named by `resource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRecord {
    /// Its identifier, as it is asked for.
    pub resource: String,
    /// The scopes that it knows.
    pub scope: Scope,
}

/// What a new or changed tenant is made of.
#[derive(Clone, Debug)]
pub struct TenantDraft {
    /// Its name in paths.
    pub slug: Slug,
    /// Its own host.
    pub host: Option<String>,
    /// What people read.
    pub name: String,
    /// What it has set.
    pub settings: TenantSettings,
}

fn settings_text(settings: &TenantSettings) -> String {
    serde_json::to_string(settings).unwrap_or_default()
}

impl Store {
    fn read_tenant(&self, row: rows::tenant::Model) -> Result<TenantRecord, StoreError> {
        let sealed =
            |error| StoreError::Sealed { table: "tenant", column: "root_secret", source: std::sync::Arc::new(error) };
        let secret = self.0.master.open(row.id.as_bytes(), &row.root_secret).map_err(sealed)?;
        let secret: [u8; 32] = secret.as_slice().try_into().map_err(|_| corrupt("tenant", "root_secret"))?;
        Ok(TenantRecord {
            id: TenantId(row.id),
            slug: Slug::parse(&row.slug).ok_or(corrupt("tenant", "slug"))?,
            host: row.host,
            name: row.name,
            status: TenantStatus::parse(&row.status).ok_or(corrupt("tenant", "status"))?,
            settings: serde_json::from_str(&row.settings).map_err(|_| corrupt("tenant", "settings"))?,
            root_secret: RootSecret::new(secret),
            created_at: Timestamp::from_seconds(row.created_at),
            version: row.version,
        })
    }

    /// The tenant with this slug.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn tenant_by_slug(&self, slug: &Slug) -> Result<Option<TenantRecord>, StoreError> {
        let found = rows::tenant::Entity::find().filter(rows::tenant::Column::Slug.eq(slug.as_str()));
        found.one(self.reader()).await?.map(|row| self.read_tenant(row)).transpose()
    }

    /// The tenant with this host.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn tenant_by_host(&self, host: &str) -> Result<Option<TenantRecord>, StoreError> {
        let found = rows::tenant::Entity::find().filter(rows::tenant::Column::Host.eq(host));
        found.one(self.reader()).await?.map(|row| self.read_tenant(row)).transpose()
    }

    /// Slugs and names of the tenants after `after`, in the order of their slugs.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn tenants(&self, after: &str, limit: u64) -> Result<Vec<(Slug, String, TenantStatus)>, StoreError> {
        let found = rows::tenant::Entity::find()
            .filter(rows::tenant::Column::Slug.gt(after))
            .order_by_asc(rows::tenant::Column::Slug)
            .limit(limit)
            .all(self.reader())
            .await?;
        let read = |row: rows::tenant::Model| {
            let slug = Slug::parse(&row.slug).ok_or(corrupt("tenant", "slug"))?;
            Ok((slug, row.name, TenantStatus::parse(&row.status).ok_or(corrupt("tenant", "status"))?))
        };
        found.into_iter().map(read).collect()
    }

    /// Makes a tenant. False if the slug or the host is taken.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn create_tenant(
        &self,
        id: TenantId,
        draft: &TenantDraft,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let secret = RootSecret::generate();
        let sealed =
            |error| StoreError::Sealed { table: "tenant", column: "root_secret", source: std::sync::Arc::new(error) };
        let row = rows::tenant::ActiveModel {
            id: Set(id.0),
            slug: Set(draft.slug.as_str().to_owned()),
            host: Set(draft.host.clone()),
            name: Set(draft.name.clone()),
            status: Set(TenantStatus::Active.as_str().to_owned()),
            settings: Set(settings_text(&draft.settings)),
            root_secret: Set(self.0.master.seal(id.0.as_bytes(), secret.expose()).map_err(sealed)?),
            dynamic_clients: Set(0),
            created_at: Set(now.seconds()),
            updated_at: Set(now.seconds()),
            version: Set(0),
        };
        let trail = self.of(id);
        let head = trail.head_row(trail.sealed_head(&ChainHead::default())?);
        match self.write(Change::new().insert(row).insert(head).and(audit)).await {
            Ok(outcome) => Ok(outcome == Outcome::Done),
            Err(StoreError::Duplicate) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether our master key opens the database at all: one tenant tells.
    pub(super) async fn check_master_key(&self) -> Result<(), OpenError> {
        let any = rows::tenant::Entity::find().one(self.reader()).await.map_err(StoreError::from)?;
        match any.map(|row| self.read_tenant(row)).transpose() {
            Err(StoreError::Sealed { .. }) => Err(OpenError::MasterKey),
            _ => Ok(()),
        }
    }
}

impl TenantStore {
    /// Changes name, host and settings, on condition that the tenant is as it was when the draft was made of it, at
    /// `version`. False if it was changed since, or is gone.
    ///
    /// # Errors
    /// `Duplicate` if the host is taken; else a failure of the database.
    pub async fn update_tenant(
        &self,
        draft: &TenantDraft,
        version: i64,
        audit: Change,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = Rows::of("tenant")
            .set("host", draft.host.clone())
            .set("name", draft.name.clone())
            .set("settings", settings_text(&draft.settings))
            .set("updated_at", now.seconds())
            .raise("version", 1)
            .with("id", self.tenant.0)
            .with("version", version);
        let change = Change::if_updated(update).and(audit).and(self.notice(notices::Notice::Tenant, now));
        Ok(self.write(change).await? == Outcome::Done)
    }

    /// Opens or closes the tenant.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn set_tenant_status(
        &self,
        status: TenantStatus,
        audit: Change,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = Rows::of("tenant")
            .set("status", status.as_str())
            .set("updated_at", now.seconds())
            .raise("version", 1)
            .with("id", self.tenant.0);
        self.write(Change::if_updated(update).and(audit).and(self.notice(notices::Notice::Tenant, now)))
            .await
            .map(|_| ())
    }

    /// Removes the tenant with every row that it has.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn delete_tenant(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut change = Change::new();
        for table in tables::TABLES {
            let column = if table.name == "tenant" { "id" } else { "tenant_id" };
            let delete = Rows::of(table.name).with(column, self.tenant.0);
            if table.name != "change_notice" {
                change = change.delete(delete);
            }
        }
        self.write(change.and(self.notice(notices::Notice::Tenant, now))).await.map(|_| ())
    }

    /// The APIs that may be named by `resource`.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn resources(&self) -> Result<Vec<ResourceRecord>, StoreError> {
        let found = rows::resource::Entity::find()
            .filter(rows::resource::Column::TenantId.eq(self.tenant.0))
            .order_by_asc(rows::resource::Column::Resource)
            .all(self.reader())
            .await?;
        let read = |row: rows::resource::Model| {
            let scope = Scope::parse(&row.scope).map_err(|_| corrupt("resource", "scope"))?;
            Ok(ResourceRecord { resource: row.resource, scope })
        };
        found.into_iter().map(read).collect()
    }

    /// Sets a resource, or takes it away.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn put_resource(
        &self,
        resource: &str,
        scope: Option<&Scope>,
        audit: Change,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let old = self.rows("resource").with("resource", resource);
        let told = audit.and(self.notice(notices::Notice::Tenant, now));
        let Some(scope) = scope else { return self.write(Change::new().delete(old).and(told)).await.map(|_| ()) };
        let change = Change::if_updated(old.set("scope", scope.to_string())).and(told.clone());
        if self.write(change).await? == Outcome::Done {
            return Ok(());
        }
        let row = rows::resource::ActiveModel {
            tenant_id: Set(self.tenant.0),
            resource: Set(resource.to_owned()),
            scope: Set(scope.to_string()),
        };
        self.write(Change::new().insert(row).and(told)).await.map(|_| ())
    }
}

/// The id under which events of the platform itself are kept.
pub const PLATFORM: TenantId = TenantId(Uuid::nil());
