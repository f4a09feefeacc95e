//! Optional scopes that a person declined, beside what they allowed.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_declined_scopes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Scopes, separated by spaces. A server of the version before leaves it out: then none were declined.
        let mut declined = ColumnDef::new(Alias::new("declined"));
        declined.text().not_null().default("");
        manager.alter_table(Table::alter().table(Alias::new("consent")).add_column(declined).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table(Alias::new("consent")).drop_column(Alias::new("declined")).to_owned())
            .await
    }
}
