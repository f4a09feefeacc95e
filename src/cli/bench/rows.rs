//! The reference's database: the rows that a path cannot do without, in tables of its own, by constant
//! statements. Writes are durable before they are answered, and those that wait together are committed together.

use std::sync::Arc;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _, Value,
};
use tokio::sync::{mpsc, oneshot};

use super::failed;
use crate::cli::SetupError;
use crate::store::is_sqlite;

/// Writes in one commit at most, as many as the product takes.
const BATCH: usize = 256;
/// Audit rows in one INSERT at most.
const ROWS: usize = 64;
/// Connections that read.
const CONNECTIONS: u32 = 16;

/// A table: its name, its columns with their kinds, and how many of them are its key. Nothing else is indexed: an
/// index that the product has besides is the product's cost.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Type)],
    key: usize,
}

/// The kinds of columns.
#[derive(Clone, Copy)]
enum Type {
    Id,
    Text,
    Bytes,
    Number,
    Flag,
}

use Type::{Bytes, Flag, Id, Number, Text};

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn marks(&self) -> String {
        vec!["?"; self.columns.len()].join(", ")
    }

    fn definition(&self, sqlite: bool) -> String {
        let kind = |kind: Type| match (kind, sqlite) {
            (Id | Bytes, true) => "blob",
            (Number, true) => "integer",
            (Id, false) => "uuid",
            (Bytes, false) => "bytea",
            (Number, false) => "bigint",
            (Text, _) => "text",
            (Flag, _) => "boolean",
        };
        let columns: Vec<String> = self.columns.iter().map(|(name, of)| format!("{name} {}", kind(*of))).collect();
        let key: Vec<&str> = self.columns.iter().take(self.key).map(|(name, _)| *name).collect();
        format!("CREATE TABLE {} ({}, PRIMARY KEY ({}))", self.name, columns.join(", "), key.join(", "))
    }
}

/// A part of a write, with `?` for every value.
enum Part {
    /// The guard: what follows is written if and only if it hits one row.
    Guard(&'static str),
    /// A row.
    Row(&'static Table),
}

/// What is written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An audit row.
    Audit,
    /// A code, audited.
    Code,
    /// A code is redeemed, its grant begins, audited.
    Redeem,
    /// A refresh token is rotated, audited.
    Rotate,
    /// An access token is revoked, audited.
    Revoke,
    /// A sign-in with its session and code, audited twice.
    SignIn,
}

static AUDIT: Table = Table {
    name: "audit_event",
    key: 2,
    columns: &[
        ("tenant_id", Id),
        ("id", Id),
        ("at_milliseconds", Number),
        ("kind", Text),
        ("client_id", Text),
        ("user_id", Id),
        ("data", Text),
        ("personal", Text),
        ("personal_digest", Bytes),
        ("reference", Text),
        ("block", Number),
    ],
};
static CODE: Table = Table {
    name: "authorization_code",
    key: 2,
    columns: &[
        ("tenant_id", Id),
        ("code_hash", Bytes),
        ("client_id", Text),
        ("grant_id", Id),
        ("user_id", Id),
        ("session_id", Id),
        ("allowed", Text),
        ("redirect_uri", Text),
        ("redirect_uri_given", Flag),
        ("code_challenge", Text),
        ("issued_at", Number),
        ("expires_at", Number),
        ("redeemed_at", Number),
    ],
};
static GRANT: Table = Table {
    name: "token_grant",
    key: 2,
    columns: &[
        ("tenant_id", Id),
        ("id", Id),
        ("client_id", Text),
        ("user_id", Id),
        ("session_id", Id),
        ("allowed", Text),
        ("offline", Flag),
        ("generation", Number),
        ("created_at", Number),
        ("rotated_at", Number),
        ("idle_expires_at", Number),
        ("expires_at", Number),
        ("revoked_at", Number),
    ],
};
static SESSION: Table = Table {
    name: "session",
    key: 2,
    columns: &[
        ("tenant_id", Id),
        ("secret_hash", Bytes),
        ("id", Id),
        ("user_id", Id),
        ("auth_time_at", Number),
        ("acr", Text),
        ("amr", Text),
        ("user_agent", Text),
        ("created_at", Number),
        ("last_seen_at", Number),
        ("idle_expires_at", Number),
        ("expires_at", Number),
        ("ended_at", Number),
    ],
};
static SIGN_IN: Table = Table {
    name: "sign_in",
    key: 2,
    columns: &[
        ("tenant_id", Id),
        ("id", Text),
        ("browser_hash", Bytes),
        ("request", Text),
        ("progress", Text),
        ("version", Number),
        ("expires_at", Number),
        ("finished_at", Number),
    ],
};
static REVOKED: Table = Table {
    name: "revoked_token",
    key: 2,
    columns: &[("tenant_id", Id), ("token_hash", Bytes), ("expires_at", Number)],
};
static ACCOUNT: Table = Table {
    name: "account",
    key: 2,
    columns: &[
        ("tenant_id", Id),
        ("id", Id),
        ("status", Text),
        ("username", Text),
        ("claims", Text),
        ("administrator", Flag),
        ("audit_salt", Bytes),
        ("created_at", Number),
        ("updated_at", Number),
    ],
};
static IDENTIFIER: Table = Table {
    name: "login_identifier",
    key: 2,
    columns: &[("tenant_id", Id), ("value", Text), ("kind", Text), ("user_id", Id)],
};
static CREDENTIAL: Table = Table {
    name: "credential",
    key: 3,
    columns: &[
        ("tenant_id", Id),
        ("user_id", Id),
        ("kind", Text),
        ("data", Text),
        ("failures", Number),
        ("last_failed_at", Number),
        ("updated_at", Number),
    ],
};
static TABLES: [&Table; 9] = [&AUDIT, &CODE, &GRANT, &SESSION, &SIGN_IN, &REVOKED, &ACCOUNT, &IDENTIFIER, &CREDENTIAL];

const REDEEM: Part = Part::Guard(
    "UPDATE authorization_code SET redeemed_at = ? WHERE tenant_id = ? AND code_hash = ? AND redeemed_at IS NULL AND expires_at > ?",
);
const ROTATE: Part = Part::Guard(
    "UPDATE token_grant SET generation = generation + 1, rotated_at = ?, idle_expires_at = ? WHERE tenant_id = ? AND id = ? AND generation = ? AND revoked_at IS NULL",
);

impl Kind {
    const ALL: [Self; 6] = [Self::Audit, Self::Code, Self::Redeem, Self::Rotate, Self::Revoke, Self::SignIn];

    const fn parts(self) -> &'static [Part] {
        match self {
            Self::Audit => const { &[Part::Row(&AUDIT)] },
            Self::Code => const { &[Part::Row(&CODE), Part::Row(&AUDIT)] },
            Self::Redeem => const { &[REDEEM, Part::Row(&GRANT), Part::Row(&AUDIT)] },
            Self::Rotate => const { &[ROTATE, Part::Row(&AUDIT)] },
            Self::Revoke => const { &[Part::Row(&REVOKED), Part::Row(&AUDIT)] },
            Self::SignIn => {
                const { &[Part::Row(&SIGN_IN), Part::Row(&SESSION), Part::Row(&CODE), Part::Row(&AUDIT), Part::Row(&AUDIT)] }
            }
        }
    }

    /// The statements: one for each part on SQLite, one for all on PostgreSQL.
    fn statements(self, sqlite: bool) -> Vec<String> {
        let mut texts = Vec::new();
        let (mut guarded, mut number) = (false, 0);
        for (at, part) in self.parts().iter().enumerate() {
            if sqlite {
                number = 0;
            }
            let text = match part {
                Part::Guard(sql) => {
                    guarded = true;
                    (*sql).to_owned()
                }
                Part::Row(table) if guarded && !sqlite => {
                    format!("INSERT INTO {} ({}) SELECT {} FROM s0", table.name, table.names(), table.marks())
                }
                Part::Row(table) => {
                    format!("INSERT INTO {} ({}) VALUES ({})", table.name, table.names(), table.marks())
                }
            };
            let text = numbered(&text, &mut number);
            texts.push(if sqlite { text } else { format!("s{at} AS ({text} RETURNING 1)") });
        }
        if sqlite { texts } else { vec![format!("WITH {} SELECT count(*) FROM s0", texts.join(", "))] }
    }
}

/// `$1`, `$2`, … for every `?`, counting on from `number`; both databases read them.
fn numbered(sql: &str, number: &mut usize) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    for (at, piece) in sql.split('?').enumerate() {
        if at > 0 {
            *number += 1;
            text.push_str(&format!("${number}"));
        }
        text.push_str(piece);
    }
    text
}

/// So many audit rows in one INSERT.
fn audit_rows(rows: usize) -> String {
    let row = format!("({})", AUDIT.marks());
    numbered(&format!("INSERT INTO {} ({}) VALUES {}", AUDIT.name, AUDIT.names(), vec![row; rows].join(", ")), &mut 0)
}

struct Texts {
    kinds: Vec<(Kind, Vec<String>)>,
    audit_rows: Vec<String>,
}

struct Job {
    kind: Kind,
    /// Of each part.
    values: Vec<Vec<Value>>,
    answer: oneshot::Sender<Result<bool, DbErr>>,
}

/// The reference's database.
pub(super) struct Rows {
    readers: DatabaseConnection,
    backend: DbBackend,
    texts: Arc<Texts>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Rows {
    /// Opens a new database and makes the tables.
    pub(super) async fn open(url: &str) -> Result<Self, SetupError> {
        let readers = connect(url, CONNECTIONS).await.map_err(failed)?;
        let backend = readers.get_database_backend();
        let sqlite = backend == DbBackend::Sqlite;
        for table in TABLES {
            readers.execute_unprepared(&table.definition(sqlite)).await.map_err(failed)?;
        }
        let kinds = Kind::ALL.into_iter().map(|kind| (kind, kind.statements(sqlite))).collect();
        let texts = Arc::new(Texts { kinds, audit_rows: (0..=ROWS).map(audit_rows).collect() });
        let writing = if sqlite { connect(url, 1).await.map_err(failed)? } else { readers.clone() };
        let (jobs, queue) = mpsc::unbounded_channel();
        tokio::spawn(write(writing, texts.clone(), queue));
        Ok(Self { readers, backend, texts, jobs })
    }

    /// Reads one row.
    pub(super) async fn row(&self, sql: &'static str, values: Vec<Value>) -> Result<Option<QueryResult>, DbErr> {
        self.readers.query_one_raw(Statement::from_sql_and_values(self.backend, sql, values)).await
    }

    /// Puts the one person there: account, login identifier, credential.
    pub(super) async fn add_person(&self, values: [Vec<Value>; 3]) -> Result<(), DbErr> {
        for (table, values) in [&ACCOUNT, &IDENTIFIER, &CREDENTIAL].into_iter().zip(values) {
            let sql =
                numbered(&format!("INSERT INTO {} ({}) VALUES ({})", table.name, table.names(), table.marks()), &mut 0);
            self.readers.execute_raw(Statement::from_sql_and_values(self.backend, sql, values)).await?;
        }
        Ok(())
    }

    /// Writes; true if the guard held. On PostgreSQL only audit rows wait for each other.
    pub(super) async fn write(&self, kind: Kind, values: Vec<Vec<Value>>) -> Result<bool, DbErr> {
        if self.backend != DbBackend::Sqlite && kind != Kind::Audit {
            return at_once(&self.readers, &self.texts, kind, values).await;
        }
        let (answer, done) = oneshot::channel();
        let gone = |_| DbErr::Custom("the writer is gone".to_owned());
        self.jobs.send(Job { kind, values, answer }).map_err(|_| gone(()))?;
        done.await.map_err(|_| gone(()))?
    }

    /// What the database calls itself.
    pub(super) async fn version(&self) -> Result<String, DbErr> {
        let (name, sql) = if self.backend == DbBackend::Sqlite {
            ("SQLite", "SELECT sqlite_version()")
        } else {
            ("PostgreSQL", "SELECT current_setting('server_version')")
        };
        let row = self.row(sql, Vec::new()).await?;
        let version: String = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        Ok(format!("{name} {version}"))
    }
}

/// As the product connects.
async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).max_connections(connections);
    if is_sqlite(url) {
        options.map_sqlx_sqlite_opts(|sqlite| {
            let sqlite = sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            sqlite.busy_timeout(std::time::Duration::from_secs(5)).statement_cache_capacity(256)
        });
    } else {
        options.map_sqlx_postgres_opts(|postgres| postgres.statement_cache_capacity(256));
    }
    Database::connect(options).await
}

impl Texts {
    fn of(&self, kind: Kind) -> &[String] {
        self.kinds.iter().find(|(known, _)| *known == kind).map_or(&[], |(_, texts)| texts)
    }
}

async fn at_once(db: &DatabaseConnection, texts: &Texts, kind: Kind, values: Vec<Vec<Value>>) -> Result<bool, DbErr> {
    let Some(sql) = texts.of(kind).first() else { return Ok(false) };
    let values: Vec<Value> = values.into_iter().flatten().collect();
    let row = db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let hit: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
    Ok(hit == 1)
}

/// Takes what is there, writes it, answers; no timer.
async fn write(db: DatabaseConnection, texts: Arc<Texts>, mut queue: mpsc::UnboundedReceiver<Job>) {
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    while let Some(first) = queue.recv().await {
        let mut jobs = vec![first];
        while jobs.len() < if sqlite { BATCH } else { ROWS } {
            let Ok(job) = queue.try_recv() else { break };
            jobs.push(job);
        }
        let (db, texts) = (db.clone(), texts.clone());
        // One who fails takes all others along: in the reference nobody does.
        let work = async move {
            let (work, answers): (Vec<_>, Vec<_>) =
                jobs.into_iter().map(|job| ((job.kind, job.values), job.answer)).unzip();
            let done = if sqlite { commit(&db, &texts, work).await } else { insert_audit(&db, &texts, work).await };
            let count = answers.len();
            let done = done.map_or_else(
                |error| (0..count).map(|_| Err(DbErr::Custom(error.to_string()))).collect::<Vec<_>>(),
                |done| done.into_iter().map(Ok).collect(),
            );
            for (answer, held) in answers.into_iter().zip(done) {
                let _ = answer.send(held);
            }
        };
        if sqlite {
            work.await;
        } else {
            tokio::spawn(work);
        }
    }
}

type Written = Vec<(Kind, Vec<Vec<Value>>)>;

/// One transaction for all; the audit rows among them in one INSERT.
async fn commit(db: &DatabaseConnection, texts: &Texts, work: Written) -> Result<Vec<bool>, DbErr> {
    let immediate = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
    let transaction = db.begin_with_options(options).await?;
    let mut held = vec![true; work.len()];
    let mut audit = Vec::new();
    for ((kind, values), held) in work.into_iter().zip(&mut held) {
        if kind == Kind::Audit {
            audit.push((kind, values));
            continue;
        }
        let guarded = matches!(kind.parts().first(), Some(Part::Guard(_)));
        for (at, (sql, values)) in texts.of(kind).iter().zip(values).enumerate() {
            let done = transaction.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await?;
            if at == 0 && guarded && done.rows_affected() != 1 {
                *held = false;
                break;
            }
        }
    }
    while !audit.is_empty() {
        let some = audit.split_off(audit.len().saturating_sub(ROWS));
        insert_audit(&transaction, texts, some).await?;
    }
    transaction.commit().await?;
    Ok(held)
}

async fn insert_audit(db: &impl ConnectionTrait, texts: &Texts, work: Written) -> Result<Vec<bool>, DbErr> {
    let rows = work.len();
    let Some(sql) = texts.audit_rows.get(rows) else { return Ok(Vec::new()) };
    let values: Vec<Value> = work.into_iter().flat_map(|(_, values)| values).flatten().collect();
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    Ok(vec![true; rows])
}
