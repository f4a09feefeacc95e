//! Sessions of people who wished to stay signed in when they close the browser.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_kept_sessions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A server of the version before leaves it out: its sessions end with the browser.
        let mut kept = ColumnDef::new(Alias::new("kept"));
        kept.boolean().not_null().default(false);
        manager.alter_table(Table::alter().table(Alias::new("session")).add_column(kept).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table(Alias::new("session")).drop_column(Alias::new("kept")).to_owned())
            .await
    }
}
