//! PostgreSQL, asked with an end in sight: the connections of all reads and changes.
//!
//! A connection whose network went silent would keep a pool of sqlx waiting until the kernel gives up, a quarter of
//! an hour later, for that pool tests what is returned without a limit. Here every statement has an end. A connection
//! on which anything went wrong is closed; the others are used again at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sea_orm::sqlx::{self, Arguments, AssertSqlSafe, ConnectOptions, Connection, Executor};
use sea_orm::{DbErr, RuntimeErr, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a request waits for a connection, new or free.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a statement may take. Ours take milliseconds: after this the database, or the way there, is lost.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// The server ends a statement before we do, so that what is answered with 503 does not happen later after all.
const SETTINGS: &str = "SET statement_timeout = 4500";
/// Ours find rows by their keys or along an index, whatever the values: they need not be planned anew for each of them,
/// and never by reading a table, which looks cheap while it is small, and is what a plan that is kept then goes on doing.
/// Other engines that speak the protocol may not know these settings, and do without.
const PLANS: [&str; 2] = ["SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off"];
/// A connection that was used so lately is used again without asking whether it lives.
pub(super) const TRUSTED: Duration = Duration::from_secs(1);
/// After this long a connection is closed, so that those to a server that was replaced do not stay for ever.
const LIFETIME: Duration = Duration::from_secs(1800);

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections(Arc<Shared>);

struct Shared {
    options: PgConnectOptions,
    permits: Arc<Semaphore>,
    /// The one used last is on top, so that those not needed age.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: PgConnection,
    opened_at: Instant,
    used_at: Instant,
}

impl Connections {
    /// At most `most` connections, none of them open yet.
    pub(super) fn new(options: PgConnectOptions, most: u32) -> Self {
        let permits = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(Shared { options, permits, idle: Mutex::default() }))
    }

    /// Carries out one statement. It is done to its end even if nobody waits for it any more.
    pub(super) async fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<PgRow>, DbErr> {
        let arguments = arguments(values)?;
        let taken = timeout(ACQUIRE_TIMEOUT, self.take()).await;
        let (idle, permit) = taken.map_err(|_| lost("no connection within three seconds"))??;
        let (shared, sql) = (self.0.clone(), sql.to_owned());
        // A peer that hangs up must not cost a connection.
        let work = tokio::spawn(async move {
            let found = carry_out(&shared, idle, sql, arguments).await;
            drop(permit);
            found
        });
        work.await.map_err(|_| lost("the statement was given up"))?
    }

    async fn take(&self) -> Result<(Idle, OwnedSemaphorePermit), DbErr> {
        let permit = self.0.permits.clone().acquire_owned().await.map_err(|_| lost("no more connections"))?;
        loop {
            let Some(mut idle) = self.0.lock().pop() else {
                let mut connection = self.0.options.connect().await.map_err(failure)?;
                connection.execute(SETTINGS).await.map_err(failure)?;
                for plans in PLANS {
                    if let Err(error) = connection.execute(plans).await {
                        tracing::debug!(error = %error, "statements are planned as the database likes");
                    }
                }
                let now = Instant::now();
                return Ok((Idle { connection, opened_at: now, used_at: now }, permit));
            };
            if idle.used_at.elapsed() < TRUSTED || matches!(timeout(TRUSTED, idle.connection.ping()).await, Ok(Ok(())))
            {
                return Ok((idle, permit));
            }
            // One is dead, so the others that waited as long may be as well: do not try them one after the other.
            self.0.lock().retain(|other| other.used_at.elapsed() < TRUSTED);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn carry_out(shared: &Shared, mut idle: Idle, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>, DbErr> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
    let found = timeout(STATEMENT_TIMEOUT, query.fetch_all(&mut idle.connection)).await;
    let found = found.map_err(|_| lost("no answer within five seconds"))?;
    let taken = matches!(&found, Err(sqlx::Error::Database(error)) if error.is_unique_violation());
    if found.is_ok() || taken {
        idle.used_at = Instant::now();
        let mut kept = shared.lock();
        kept.push(idle);
        // The oldest lie at the bottom, where nobody takes them.
        kept.retain(|idle| idle.opened_at.elapsed() < LIFETIME);
    }
    found.map_err(failure)
}

fn arguments(values: Vec<Value>) -> Result<PgArguments, DbErr> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Bool(value) => arguments.add(value),
            Value::Int(value) => arguments.add(value),
            Value::BigInt(value) => arguments.add(value),
            Value::BigUnsigned(value) => arguments.add(value.and_then(|value| i64::try_from(value).ok())),
            Value::String(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::Uuid(value) => arguments.add(value),
            other => Err(format!("no column holds {other:?}").into()),
        };
        added.map_err(|error| failure(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

fn failure(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn lost(what: &str) -> DbErr {
    DbErr::Custom(format!("the database is lost: {what}"))
}
