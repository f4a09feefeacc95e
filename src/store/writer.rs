//! The writer: one task that owns the writing connection of SQLite and commits all waiting changes together;
//! on PostgreSQL it gathers audit rows that arrive together, and all else goes straight to the database.
//!
//! No timer: the writer takes what is there, so a lone change does not wait. Each change has its own
//! savepoint, so one that fails takes no other with it. Nobody is answered before the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};

use super::change::{Change, Outcome, SqliteChange};
use super::error::StoreError;

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
    change: SqliteChange,
    answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

pub(super) struct RowJob {
    change: Change,
    answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// Where changes go.
#[derive(Clone)]
pub(super) enum Writer {
    Sqlite { jobs: mpsc::Sender<Job>, counts: Arc<Counts> },
    Postgres { db: DatabaseConnection, rows: mpsc::Sender<RowJob>, counts: Arc<Counts> },
}

impl Writer {
    /// Starts the task on the only connection that writes.
    pub(super) fn sqlite(db: DatabaseConnection, counts: Arc<Counts>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(commit_together(db, queue, counts.clone()));
        Self::Sqlite { jobs, counts }
    }

    /// Starts the task that gathers unguarded rows.
    pub(super) fn postgres(db: DatabaseConnection, counts: Arc<Counts>) -> Self {
        let (rows, queue) = mpsc::channel(QUEUE);
        tokio::spawn(gather_rows(db.clone(), queue, counts.clone()));
        Self::Postgres { db, rows, counts }
    }

    /// Writes a change; returns when it is durable.
    pub(super) async fn write(&self, change: &Change) -> Result<Outcome, StoreError> {
        if change.is_empty() {
            return Ok(Outcome::Done);
        }
        match self {
            Self::Sqlite { jobs, counts } => {
                counts.changes.fetch_add(1, Ordering::Relaxed);
                let (answer, done) = oneshot::channel();
                let job = Job { change: change.for_sqlite(), answer };
                jobs.try_send(job).map_err(|_| StoreError::Busy)?;
                done.await.map_err(|_| StoreError::Busy)?
            }
            Self::Postgres { db, counts, .. } => {
                counts.changes.fetch_add(1, Ordering::Relaxed);
                write_to_postgres(db, change, counts).await
            }
        }
    }

    /// Writes rows whose only use is to be there (audit events): on PostgreSQL together with those of other requests.
    pub(super) async fn append(&self, change: Change) -> Result<Outcome, StoreError> {
        let Self::Postgres { rows, counts, .. } = self else { return self.write(&change).await };
        counts.changes.fetch_add(1, Ordering::Relaxed);
        let (answer, done) = oneshot::channel();
        rows.try_send(RowJob { change, answer }).map_err(|_| StoreError::Busy)?;
        done.await.map_err(|_| StoreError::Busy)?
    }
}

async fn write_to_postgres(db: &DatabaseConnection, change: &Change, counts: &Counts) -> Result<Outcome, StoreError> {
    counts.commits.fetch_add(1, Ordering::Relaxed);
    let row = db.query_one_raw(change.for_postgres()).await?;
    let hit: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
    Ok(if hit == 1 { Outcome::Done } else { Outcome::Refused })
}

async fn gather_rows(db: DatabaseConnection, mut queue: mpsc::Receiver<RowJob>, counts: Arc<Counts>) {
    while let Some(first) = queue.recv().await {
        let mut jobs = vec![first];
        while jobs.len() < ROWS {
            let Ok(job) = queue.try_recv() else { break };
            jobs.push(job);
        }
        let db = db.clone();
        let counts = counts.clone();
        // Written aside, so that those who come meanwhile form the next group instead of waiting in line.
        tokio::spawn(async move {
            let mut together = Change::new();
            jobs.iter().for_each(|job| together.gather(job.change.clone()));
            let written = write_to_postgres(&db, &together, &counts).await;
            for job in jobs {
                let _ = job.answer.send(written.clone());
            }
        });
    }
}

async fn commit_together(db: DatabaseConnection, mut queue: mpsc::Receiver<Job>, counts: Arc<Counts>) {
    while let Some(first) = queue.recv().await {
        let mut jobs = vec![first];
        while jobs.len() < BATCH {
            let Ok(job) = queue.try_recv() else { break };
            jobs.push(job);
        }
        counts.commits.fetch_add(1, Ordering::Relaxed);
        let (changes, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.change, job.answer)).unzip();
        let results = match commit(&db, changes).await {
            Ok(results) => results,
            Err(error) => vec![Err(error); answers.len()],
        };
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
    }
}

/// One transaction for all; an error here means that none of them is durable.
async fn commit(
    db: &DatabaseConnection,
    changes: Vec<SqliteChange>,
) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
    let immediate = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
    let transaction = db.begin_with_options(options).await?;
    let mut results = Vec::with_capacity(changes.len());
    for change in changes {
        results.push(apply(&transaction, change).await?);
    }
    transaction.commit().await?;
    Ok(results)
}

/// One change in its savepoint. The outer error ends the whole transaction; the inner one is this change's own.
async fn apply(
    transaction: &DatabaseTransaction,
    change: SqliteChange,
) -> Result<Result<Outcome, StoreError>, StoreError> {
    transaction.execute_unprepared("SAVEPOINT change").await?;
    let result = run(transaction, change).await;
    let own = match result {
        Ok(outcome) => Ok(outcome),
        Err(error) => match StoreError::from(error) {
            own @ StoreError::Duplicate => Err(own),
            // A full disk or a broken file may have ended the transaction already: nobody is told otherwise.
            fatal => return Err(fatal),
        },
    };
    if own.is_err() {
        transaction.execute_unprepared("ROLLBACK TO change").await?;
    }
    transaction.execute_unprepared("RELEASE change").await?;
    Ok(own)
}

async fn run(transaction: &DatabaseTransaction, change: SqliteChange) -> Result<Outcome, DbErr> {
    if let Some(guard) = change.guard
        && transaction.execute_raw(guard).await?.rows_affected() != 1
    {
        return Ok(Outcome::Refused);
    }
    for step in change.steps {
        transaction.execute_raw(step).await?;
    }
    Ok(Outcome::Done)
}
