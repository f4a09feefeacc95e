//! The writer. On SQLite one thread owns the writing connection and commits all waiting changes together; on
//! PostgreSQL audit rows that arrive together become one statement, and all else goes straight to the database.
//!
//! No timer: the writer takes what is there, so a lone change does not wait. A change that breaks a constraint takes
//! no other with it: on SQLite all are then done again, each in its savepoint; rows that were gathered for PostgreSQL
//! are then written one by one. Nobody is answered before the commit.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, ErrorCode};
use sea_orm::QueryResult;
use tokio::sync::{mpsc, oneshot};

use super::change::{Change, Outcome, Sql, Statements};
use super::checkpoints::Checkpoints;
use super::error::StoreError;
use super::postgres::Connections;
use super::sqlite::{bind, failure};

/// Changes that may wait; a full queue is answered with 503 rather than with memory.
const QUEUE: usize = 4096;
/// Changes in one commit at most, so that the first of them does not wait for ever.
const BATCH: usize = 256;
/// Rows in one INSERT at most; each number is a statement of its own in the cache of every connection.
const ROWS: usize = 64;

/// How often the database was asked, for tests and the benchmark.
#[derive(Debug, Default)]
pub struct Counts {
    /// Reads, each one round trip.
    pub reads: AtomicU64,
    /// Changes written.
    pub changes: AtomicU64,
    /// Round trips of changes on PostgreSQL, commits on SQLite.
    pub commits: AtomicU64,
}

pub(super) struct Job {
    change: Change,
    answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// Where changes go.
#[derive(Clone)]
pub(super) enum Writer {
    Sqlite { jobs: mpsc::Sender<Job>, counts: Arc<Counts> },
    Postgres { db: Connections, rows: mpsc::Sender<Job>, counts: Arc<Counts> },
}

impl Writer {
    /// Starts the thread on the only connection that writes. It ends when the last store is gone.
    pub(super) fn sqlite(connection: Connection, checkpoints: Checkpoints, counts: Arc<Counts>) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let counted = counts.clone();
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || commit_together(&connection, &checkpoints, queue, &counted))?;
        Ok(Self::Sqlite { jobs, counts })
    }

    /// Starts the task that gathers unguarded rows.
    pub(super) fn postgres(db: Connections, counts: Arc<Counts>) -> Self {
        let (rows, queue) = mpsc::channel(QUEUE);
        tokio::spawn(gather_rows(db.clone(), queue, counts.clone()));
        Self::Postgres { db, rows, counts }
    }

    /// Writes a change; returns when it is durable.
    pub(super) async fn write(&self, change: Change) -> Result<Outcome, StoreError> {
        if change.is_empty() {
            return Ok(Outcome::Done);
        }
        match self {
            Self::Sqlite { jobs, counts } => {
                counts.changes.fetch_add(1, Ordering::Relaxed);
                handed_over(jobs, change).await
            }
            Self::Postgres { db, counts, .. } => {
                counts.changes.fetch_add(1, Ordering::Relaxed);
                write_to_postgres(db, change, counts).await
            }
        }
    }

    /// Writes rows whose only use is to be there (audit events): on PostgreSQL together with those of other requests.
    pub(super) async fn append(&self, change: Change) -> Result<Outcome, StoreError> {
        let Self::Postgres { rows, counts, .. } = self else { return self.write(change).await };
        counts.changes.fetch_add(1, Ordering::Relaxed);
        handed_over(rows, change).await
    }
}

async fn handed_over(jobs: &mpsc::Sender<Job>, change: Change) -> Result<Outcome, StoreError> {
    let (answer, done) = oneshot::channel();
    jobs.try_send(Job { change, answer }).map_err(|_| StoreError::Busy)?;
    done.await.map_err(|_| StoreError::Busy)?
}

/// What waits, up to `most`; `first` is there already.
fn waiting(first: Job, queue: &mut mpsc::Receiver<Job>, most: usize) -> Vec<Job> {
    let mut jobs = vec![first];
    while jobs.len() < most {
        let Ok(job) = queue.try_recv() else { break };
        jobs.push(job);
    }
    jobs
}

async fn write_to_postgres(db: &Connections, change: Change, counts: &Counts) -> Result<Outcome, StoreError> {
    counts.commits.fetch_add(1, Ordering::Relaxed);
    let Sql { text, values, .. } = change.for_postgres();
    let row = db.rows(&text, values).await?.pop().map(QueryResult::from);
    let hit: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
    Ok(if hit == 1 { Outcome::Done } else { Outcome::Refused })
}

async fn gather_rows(db: Connections, mut queue: mpsc::Receiver<Job>, counts: Arc<Counts>) {
    while let Some(first) = queue.recv().await {
        let jobs = waiting(first, &mut queue, ROWS);
        // Written aside, so that those who come meanwhile form the next group instead of waiting in line.
        tokio::spawn(write_together(db.clone(), jobs, counts.clone()));
    }
}

async fn write_together(db: Connections, jobs: Vec<Job>, counts: Arc<Counts>) {
    let mut together = Change::new();
    for job in &jobs {
        together.gather(job.change.clone());
    }
    let written = write_to_postgres(&db, together, &counts).await;
    let apart = jobs.len() > 1 && written.as_ref().is_err_and(StoreError::is_of_a_row);
    for Job { change, answer } in jobs {
        // One row that the database refuses takes no other with it.
        let written = if apart { write_to_postgres(&db, change, &counts).await } else { written.clone() };
        let _ = answer.send(written);
    }
}

fn commit_together(
    connection: &Connection,
    checkpoints: &Checkpoints,
    mut queue: mpsc::Receiver<Job>,
    counts: &Counts,
) {
    while let Some(first) = queue.blocking_recv() {
        counts.commits.fetch_add(1, Ordering::Relaxed);
        let jobs = waiting(first, &mut queue, BATCH);
        let (changes, answers): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.change.for_sqlite(), job.answer)).unzip();
        let results = commit(connection, &changes).unwrap_or_else(|error| {
            let _ = roll_back(connection);
            let error = failure(error);
            answers.iter().map(|_| Err(error.clone())).collect()
        });
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
        checkpoints.after_commit(connection);
    }
}

type Answers = Vec<Result<Outcome, StoreError>>;

/// One transaction for all; an error here means that none of them is durable.
fn commit(connection: &Connection, changes: &[Statements]) -> rusqlite::Result<Answers> {
    match in_one_transaction(changes, connection, |change| run(connection, change).map(Ok)) {
        // Seldom: some change breaks a constraint. With a savepoint for each, it takes no other with it.
        Err(error) if is_own(&error) => {
            roll_back(connection)?;
            in_one_transaction(changes, connection, |change| run_apart(connection, change))
        }
        done => done,
    }
}

fn in_one_transaction(
    changes: &[Statements],
    connection: &Connection,
    run: impl Fn(&Statements) -> rusqlite::Result<Result<Outcome, StoreError>>,
) -> rusqlite::Result<Answers> {
    run_plain(connection, "BEGIN IMMEDIATE")?;
    let results = changes.iter().map(run).collect::<Result<_, _>>()?;
    run_plain(connection, "COMMIT")?;
    Ok(results)
}

/// A full disk or a broken file may have ended the transaction already.
fn roll_back(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Ok(()) } else { run_plain(connection, "ROLLBACK") }
}

/// One change in its savepoint. The outer error ends the whole transaction; the inner one is this change's own.
fn run_apart(connection: &Connection, change: &Statements) -> rusqlite::Result<Result<Outcome, StoreError>> {
    run_plain(connection, "SAVEPOINT change")?;
    let result = match run(connection, change) {
        Err(error) if is_own(&error) => {
            run_plain(connection, "ROLLBACK TO change")?;
            Err(failure(error))
        }
        done => Ok(done?),
    };
    run_plain(connection, "RELEASE change")?;
    Ok(result)
}

/// Whether something is wrong with the change, not with the database.
fn is_own(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn run(connection: &Connection, change: &Statements) -> rusqlite::Result<Outcome> {
    if let Some(guard) = &change.guard
        && execute(connection, guard)? != 1
    {
        return Ok(Outcome::Refused);
    }
    for step in &change.steps {
        execute(connection, step)?;
    }
    Ok(Outcome::Done)
}

fn run_plain(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn execute(connection: &Connection, sql: &Sql) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(&sql.text)?;
    bind(&mut statement, &sql.values)?;
    statement.raw_execute()
}
