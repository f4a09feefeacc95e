//! On SQLite, the index by block without the events that have none yet: each would enter it twice. On PostgreSQL it is
//! left as it is: nobody could write an event while a long trail is indexed anew, and there it costs little.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_sealed_events"
    }
}

async fn replace(manager: &SchemaManager<'_>, index: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    let connection = manager.get_connection();
    connection.execute_unprepared("DROP INDEX ix_audit_event_block").await?;
    connection.execute_unprepared(index).await.map(drop)
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sealed = "CREATE INDEX ix_audit_event_block ON audit_event (tenant_id, block) WHERE block IS NOT NULL";
        replace(manager, sealed).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, "CREATE INDEX ix_audit_event_block ON audit_event (tenant_id, block)").await
    }
}
