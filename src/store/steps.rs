//! Whether steps are missing in a database, without making or changing anything.

use std::str::FromStr as _;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, Connection as _};
use sea_orm::{DbErr, RuntimeErr};
use sea_orm_migration::MigratorTrait as _;
use tokio::time::timeout;

use super::database::{DatabaseSettings, MigrationState, OpenError, is_sqlite};
use super::migrations::Migrator;
use super::postgres::ACQUIRE_TIMEOUT;
use super::{Store, sqlite};
use crate::config::DatabaseUrl;

impl Store {
    /// How far the database at `settings` is. Nothing is made and no step is carried out: where the file or the table of
    /// steps is missing, all steps are.
    ///
    /// # Errors
    /// It does not open, or is newer than this program.
    pub async fn look_at_steps(settings: &DatabaseSettings) -> Result<MigrationState, OpenError> {
        let begun = timeout(ACQUIRE_TIMEOUT, has_table_of_steps(&settings.url)).await;
        let begun = begun.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|error| OpenError::Connect {
            url: DatabaseUrl::from_str(&settings.url).map(|url| url.to_string()).unwrap_or_default(),
            source: DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })?;
        if begun {
            Self::migration_state(settings).await
        } else {
            Ok(MigrationState::Behind(Migrator::migrations().len()))
        }
    }
}

async fn has_table_of_steps(url: &str) -> Result<bool, sqlx::Error> {
    if !is_sqlite(url) {
        let mut connection = PgConnection::connect_with(&PgConnectOptions::from_str(url)?).await?;
        let found = sqlx::query_scalar("SELECT to_regclass('seaql_migrations') IS NOT NULL");
        let found = found.fetch_one(&mut connection).await?;
        connection.close().await?;
        return Ok(found);
    }
    let options = SqliteConnectOptions::from_str(url)?.create_if_missing(false).read_only(true);
    if !options.get_filename().exists() {
        return Ok(false);
    }
    let mut connection = SqliteConnection::connect_with(&options.busy_timeout(sqlite::BUSY_TIMEOUT)).await?;
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations')");
    let found = found.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(found)
}
