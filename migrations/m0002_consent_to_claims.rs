//! Consent to single claims, beside that to scopes (OpenID Connect Core §5.5).

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_consent_to_claims"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A JSON list of names. A server of the version before leaves it out: then there are none.
        let mut claims = ColumnDef::new(Alias::new("claims"));
        claims.text().not_null().default("[]");
        manager.alter_table(Table::alter().table(Alias::new("consent")).add_column(claims).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table(Alias::new("consent")).drop_column(Alias::new("claims")).to_owned())
            .await
    }
}
