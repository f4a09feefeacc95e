//! The head of each audit trail: the newest block, sealed under the master key.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_audit_head"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The key is not here: trails that are there already have no head until somebody accepts them.
        let table = Table::create()
            .table(Alias::new("audit_head"))
            .col(ColumnDef::new(Alias::new("tenant_id")).uuid().not_null().primary_key())
            .col(ColumnDef::new(Alias::new("seal")).blob().not_null())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Alias::new("audit_head")).to_owned()).await
    }
}
