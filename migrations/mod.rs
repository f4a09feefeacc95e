//! The steps that bring a database up to date, in their order. A step that has been released is never changed.
//!
//! Every table carries its tenant; what happens to its rows in the end is declared in `store::tables`.
//! Instants are whole seconds since 1970, in columns that end in `_at`; JSON is kept as text, read by the
//! types that wrote it. There are no foreign keys: rows of a tenant are loaded, written and deleted by tenant,
//! and the hot inserts need not ask three other tables.

use sea_orm_migration::prelude::*;

mod m0001_ground;
mod m0002_consent_to_claims;
mod m0003_versions;
mod m0004_audit_head;
mod m0005_kept_sessions;
mod m0006_declined_scopes;
mod m0007_sealed_events;

/// All steps.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_ground::Migration),
            Box::new(m0002_consent_to_claims::Migration),
            Box::new(m0003_versions::Migration),
            Box::new(m0004_audit_head::Migration),
            Box::new(m0005_kept_sessions::Migration),
            Box::new(m0006_declined_scopes::Migration),
            Box::new(m0007_sealed_events::Migration),
        ]
    }
}
