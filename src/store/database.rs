//! Opening a database and bringing it up to date.

use std::sync::Arc;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions as _};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use super::checkpoints::Checkpoints;
use super::migrations::Migrator;
use super::postgres::{ACQUIRE_TIMEOUT, Connections, TRUSTED};
use super::read::Reads;
use super::sqlite::{BUSY_TIMEOUT, PREPARED, Readers, writing_connection};
use super::steps::{APPLIED, judge};
use super::writer::{Counts, Writer};
use super::{Parts, Store, StoreError};
use crate::seal::RootSecret;

/// Where the database is and how much of it we use.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `sqlite://…` or `postgres://…`.
    pub url: String,
    /// Connections that read what is seldom asked (SQLite), or all (PostgreSQL).
    pub max_connections: u32,
    /// False only for tests that need no durability.
    pub durable: bool,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It does not answer, or refuses us.
    #[error(
        "cannot open the database {url}: {source}. Check database.url, and that the server is up or the folder can be written"
    )]
    Connect {
        /// Its address, without password.
        url: String,
        /// Why.
        source: DbErr,
    },
    /// It was brought up to date by a newer version of the program.
    #[error(
        "the database is newer than this program: it knows the migration {0}, which this version does not. Start the newer version again, or restore a backup"
    )]
    Newer(String),
    /// It is older than this program and may not be changed.
    #[error("the database is not up to date: run `chancery migrate`")]
    Older,
    /// A migration failed.
    #[error("the database could not be brought up to date: {0}")]
    Migrate(DbErr),
    /// The master key does not open it.
    #[error(
        "the master key does not open this database. Check keys.master_key_file: every replica needs the same file"
    )]
    MasterKey,
    /// A later failure.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// How far a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// Nothing to do.
    Current,
    /// So many steps are missing.
    Behind(usize),
}

/// Whether the address is one of SQLite.
pub fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

fn without_password(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| "(unreadable address)".to_owned(),
        |mut url| {
            if url.password().is_some() {
                let _ = url.set_password(Some("…"));
            }
            url.to_string()
        },
    )
}

async fn connect(settings: &DatabaseSettings, connections: u32) -> Result<DatabaseConnection, OpenError> {
    let mut options = ConnectOptions::new(settings.url.clone());
    options
        .sqlx_logging(false)
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire_if_idle_for(TRUSTED);
    if is_sqlite(&settings.url) {
        let synchronous = if settings.durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
        options.map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .busy_timeout(BUSY_TIMEOUT)
                .statement_cache_capacity(PREPARED)
        });
    } else {
        options.map_sqlx_postgres_opts(named);
    }
    Database::connect(options)
        .await
        .map_err(|source| OpenError::Connect { url: without_password(&settings.url), source })
}

fn named(options: PgConnectOptions) -> PgConnectOptions {
    options.statement_cache_capacity(PREPARED).application_name("chancery").disable_statement_logging()
}

/// Who writes, and where reads go. `seldom` is what brought the database up to date.
fn ways(
    settings: &DatabaseSettings,
    counts: &Arc<Counts>,
    seldom: DatabaseConnection,
) -> Result<(Writer, Reads), OpenError> {
    let unusable =
        |source: String| OpenError::Connect { url: without_password(&settings.url), source: DbErr::Custom(source) };
    if is_sqlite(&settings.url) {
        let connection = writing_connection(settings).map_err(|error| unusable(error.to_string()))?;
        let mover = writing_connection(settings).map_err(|error| unusable(error.to_string()))?;
        let checkpoints = Checkpoints::start(&connection, mover).map_err(|error| unusable(error.to_string()))?;
        let writer =
            Writer::sqlite(connection, checkpoints, counts.clone()).map_err(|error| unusable(error.to_string()))?;
        return Ok((writer, Reads::Sqlite { hot: Readers::new(&settings.url), seldom }));
    }
    let options: PgConnectOptions = settings.url.parse().map_err(|error: sqlx::Error| unusable(error.to_string()))?;
    let connections = Connections::new(named(options), settings.max_connections);
    Ok((Writer::postgres(connections.clone(), counts.clone()), Reads::Postgres(connections)))
}

impl Store {
    /// Opens the database. With `migrate` it is brought up to date, else it has to be already.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: &DatabaseSettings, master: &RootSecret, migrate: bool) -> Result<Self, OpenError> {
        let first = connect(settings, if is_sqlite(&settings.url) { settings.max_connections } else { 1 }).await?;
        match (state(&first).await?, migrate) {
            (MigrationState::Current, _) => {}
            (MigrationState::Behind(_), true) => bring_up_to_date(&first).await?,
            (MigrationState::Behind(_), false) => return Err(OpenError::Older),
        }
        let counts = Arc::new(Counts::default());
        let (writer, reads) = ways(settings, &counts, first)?;
        let master = master.sealer("tenant root secrets").map_err(|_| OpenError::MasterKey)?;
        let store = Self(Arc::new(Parts { reads, writer, master, counts }));
        store.check_master_key().await?;
        Ok(store)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.hot_rows("SELECT 1", Vec::new()).await.map(drop)
    }

    /// The names of all tables and of their columns, for the tests that guard the tenancy.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn columns(&self) -> Result<Vec<(String, String)>, StoreError> {
        let backend = self.0.reads.get_database_backend();
        let sql = if backend == DbBackend::Sqlite {
            "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
        } else {
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'"
        };
        let rows = self.reader().query_all_raw(Statement::from_string(backend, sql)).await?;
        rows.iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
            .collect::<Result<_, DbErr>>()
            .map_err(Into::into)
    }
}

/// Our own look at the applied steps, before the migrator's, whose message would puzzle an operator.
async fn state(db: &DatabaseConnection) -> Result<MigrationState, OpenError> {
    // Two nodes that make the table of steps at once: one fails, and then finds it.
    if Migrator::install(db).await.is_err() {
        Migrator::install(db).await.map_err(OpenError::Migrate)?;
    }
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), APPLIED)).await;
    let applied: Result<Vec<String>, _> =
        rows.and_then(|rows| rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>());
    judge(&applied.map_err(OpenError::Migrate)?)
}

/// All missing steps, one node at a time. On SQLite in one transaction; on PostgreSQL each in its own, so that servers
/// which go on meanwhile wait for one table at a time.
async fn bring_up_to_date(db: &DatabaseConnection) -> Result<(), OpenError> {
    let migrate = async {
        if db.get_database_backend() == DbBackend::Sqlite {
            let immediate = Some(SqliteTransactionMode::Immediate);
            let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
            let transaction = db.begin_with_options(options).await?;
            Migrator::up(&transaction, None).await?;
            return transaction.commit().await;
        }
        // Any number that no other program uses; held by our only connection, whose end is the end of the lock.
        db.execute_unprepared("SELECT pg_advisory_lock(7238411905)").await?;
        while !Migrator::get_pending_migrations(db).await?.is_empty() {
            Migrator::up(db, Some(1)).await?;
        }
        db.execute_unprepared("SELECT pg_advisory_unlock(7238411905)").await.map(drop)
    };
    migrate.await.map_err(OpenError::Migrate)
}
