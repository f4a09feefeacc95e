//! The store: the only SQL of the server. `store.of(tenant)` gives what belongs to one tenant; none of its
//! methods takes a tenant, so none can forget it.
//!
//! ```text
//! reads ──▶ pool of readers            changes ──▶ writer ──▶ one commit (SQLite) / one statement (PostgreSQL)
//! ```

pub mod audit;
pub mod audit_chain;
pub mod change;
mod checkpoints;
pub mod clients;
pub mod codes;
pub mod consents;
mod database;
pub mod error;
pub mod grants;
pub mod keys;
#[path = "../../migrations/mod.rs"]
pub mod migrations;
pub mod notices;
pub mod one_time;
mod postgres;
mod purge;
mod read;
mod rows;
pub mod sessions;
pub mod sign_ins;
mod sqlite;
mod steps;
pub mod tables;
pub mod tenants;
pub mod users;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::protocol::identifiers::TenantId;
use crate::seal::Sealer;
pub use change::{Change, Outcome, Rows};
pub use database::{DatabaseSettings, MigrationState, OpenError, is_sqlite};
pub use error::StoreError;
pub use writer::Counts;

/// The database of the server.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

/// What all requests share: a store is cloned for each of them.
struct Parts {
    reads: read::Reads,
    writer: writer::Writer,
    master: Sealer,
    counts: Arc<Counts>,
}

impl Store {
    /// What belongs to `tenant`.
    pub fn of(&self, tenant: TenantId) -> TenantStore {
        TenantStore { store: self.clone(), tenant }
    }

    /// How often the database was asked since the start.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Writes a change; returns when it is durable.
    ///
    /// # Errors
    /// `Duplicate` for a taken key, else a failure of the database.
    pub async fn write(&self, change: Change) -> Result<Outcome, StoreError> {
        self.0.writer.write(change).await
    }

    fn reader(&self) -> &read::Reads {
        self.0.counts.reads.fetch_add(1, Ordering::Relaxed);
        &self.0.reads
    }
}

/// The database of one tenant.
#[derive(Clone)]
pub struct TenantStore {
    store: Store,
    tenant: TenantId,
}

impl TenantStore {
    fn reader(&self) -> &read::Reads {
        self.store.reader()
    }

    /// Writes a change; returns when it is durable.
    ///
    /// # Errors
    /// `Duplicate` for a taken key, else a failure of the database.
    pub async fn write(&self, change: Change) -> Result<Outcome, StoreError> {
        self.store.write(change).await
    }

    /// Writes a change that ends grants, and what ends them once more. A statement of PostgreSQL sees one instant: a
    /// code that is redeemed in the very same one begins a grant which the first cannot see, and the second can.
    async fn write_and_end(&self, change: Change, ending: Change) -> Result<Outcome, StoreError> {
        let outcome = self.write(change.and(ending.clone())).await?;
        if outcome == Outcome::Done && matches!(self.store.0.reads, read::Reads::Postgres(_)) {
            self.write(ending).await?;
        }
        Ok(outcome)
    }

    /// The rows of this tenant in a table, to be told apart further.
    fn rows(&self, table: &'static str) -> Rows {
        Rows::of(table).with("tenant_id", self.tenant.0)
    }

    /// Writes rows whose only use is to be there; on PostgreSQL together with those of other requests.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn append(&self, change: Change) -> Result<Outcome, StoreError> {
        self.store.0.writer.append(change).await
    }
}
