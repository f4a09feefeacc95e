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

/// The steps that were carried out.
pub(super) const APPLIED: &str = "SELECT version FROM seaql_migrations ORDER BY version";

impl Store {
    /// How far the database at `settings` is. Nothing is made and no step is carried out: where the file or the table of
    /// steps is missing, all steps are.
    ///
    /// # Errors
    /// It does not open, or is newer than this program.
    pub async fn look_at_steps(settings: &DatabaseSettings) -> Result<MigrationState, OpenError> {
        let applied = timeout(ACQUIRE_TIMEOUT, applied_steps(&settings.url)).await;
        let applied = applied.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|error| OpenError::Connect {
            url: DatabaseUrl::from_str(&settings.url).map(|url| url.to_string()).unwrap_or_default(),
            source: DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })?;
        judge(&applied)
    }
}

/// What the steps that a database has say of it.
pub(super) fn judge(applied: &[String]) -> Result<MigrationState, OpenError> {
    let known: Vec<String> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    if let Some(unknown) = applied.iter().find(|version| !known.contains(version)) {
        return Err(OpenError::Newer(unknown.clone()));
    }
    Ok(match known.len() - applied.len() {
        0 => MigrationState::Current,
        behind => MigrationState::Behind(behind),
    })
}

async fn applied_steps(url: &str) -> Result<Vec<String>, sqlx::Error> {
    if !is_sqlite(url) {
        let mut connection = PgConnection::connect_with(&PgConnectOptions::from_str(url)?).await?;
        let begun = sqlx::query_scalar("SELECT to_regclass('seaql_migrations') IS NOT NULL");
        let begun = begun.fetch_one(&mut connection).await?;
        let applied = if begun { sqlx::query_scalar(APPLIED).fetch_all(&mut connection).await? } else { Vec::new() };
        connection.close().await?;
        return Ok(applied);
    }
    let options = SqliteConnectOptions::from_str(url)?.create_if_missing(false).read_only(true);
    if !options.get_filename().exists() {
        return Ok(Vec::new());
    }
    let mut connection = SqliteConnection::connect_with(&options.busy_timeout(sqlite::BUSY_TIMEOUT)).await?;
    let begun = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations')");
    let begun = begun.fetch_one(&mut connection).await?;
    let applied = if begun { sqlx::query_scalar(APPLIED).fetch_all(&mut connection).await? } else { Vec::new() };
    connection.close().await?;
    Ok(applied)
}
