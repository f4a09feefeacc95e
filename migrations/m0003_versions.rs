//! A number that each change of a tenant or client raises, so that no change is made of what was known before another.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_versions"
    }
}

const TABLES: [&str; 2] = ["tenant", "client"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let mut version = ColumnDef::new(Alias::new("version"));
            version.big_integer().not_null().default(0);
            manager.alter_table(Table::alter().table(Alias::new(table)).add_column(version).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let drop = Table::alter().table(Alias::new(table)).drop_column(Alias::new("version")).to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}
