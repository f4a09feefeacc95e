//! SQLite, called directly: the connection that writes, and those of the hot reads.
//!
//! sqlx gives every connection of SQLite a thread and sends each statement there and back, which costs more than the
//! statement. A read from the page cache takes less time than a signature, so it is done where it is asked for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement, ffi};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{DbErr, Value};

use super::database::DatabaseSettings;
use super::error::StoreError;

/// Statements kept prepared per connection: all of ours, and one for each number of gathered rows.
pub(super) const PREPARED: usize = 256;
/// How long a write waits for another process to finish writing.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a read waits. Readers never wait for writers, but for the moment in which the log begins anew.
const READ_TIMEOUT: Duration = Duration::from_millis(500);

/// Why there is no connection.
pub(super) type Unusable = Box<dyn std::error::Error + Send + Sync>;

/// The connection that writes.
pub(super) fn writing_connection(settings: &DatabaseSettings) -> Result<Connection, Unusable> {
    let connection = open(&settings.url, OpenFlags::default())?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if settings.durable { "FULL" } else { "OFF" })?;
    Ok(connection)
}

fn open(url: &str, flags: OpenFlags) -> Result<Connection, Unusable> {
    let options: SqliteConnectOptions = url.parse()?;
    let connection = Connection::open_with_flags(options.get_filename(), flags)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

/// Connections that read: as many as read at the same time, which is one for each thread of the runtime.
pub(super) struct Readers {
    url: String,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    /// All rows of a statement.
    pub(super) fn rows(&self, sql: &str, values: &[Value]) -> Result<Vec<Vec<SqliteValue>>, StoreError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.connect().map_err(|error| StoreError::Database(DbErr::Custom(error.to_string()).into()))?,
        };
        let rows = read(&connection, sql, values).map_err(failure)?;
        // After a failure the connection is not used again.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(rows)
    }

    fn connect(&self) -> Result<Connection, Unusable> {
        // Should the file be gone, an empty one would hide it.
        let connection = open(&self.url, OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.busy_timeout(READ_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }
}

fn read(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<Vec<Vec<SqliteValue>>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    let columns = statement.column_count();
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push((0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?);
    }
    Ok(rows)
}

/// Gives a statement its values: `$3` is the third, `?` the one of its place.
pub(super) fn bind(statement: &mut Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for place in 1..=statement.parameter_count() {
        // SQLite numbers `$3` by where it stands, and takes its digits for a name.
        let number = statement.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let value = values
            .get(number.unwrap_or(place) - 1)
            .ok_or(rusqlite::Error::InvalidParameterCount(place, values.len()))?;
        statement.raw_bind_parameter(place, bound(value)?)?;
    }
    Ok(())
}

/// A value as SQLite stores it: the same form in which SeaORM writes and reads it.
fn bound(value: &Value) -> rusqlite::Result<ToSqlOutput<'_>> {
    let value = match value {
        Value::Bool(value) => value.map(|value| ValueRef::Integer(value.into())),
        Value::Int(value) => value.map(|value| ValueRef::Integer(value.into())),
        Value::BigInt(value) => value.map(ValueRef::Integer),
        Value::String(value) => value.as_ref().map(|value| ValueRef::Text(value.as_bytes())),
        Value::Bytes(value) => value.as_ref().map(|value| ValueRef::Blob(value)),
        Value::Uuid(value) => value.as_ref().map(|value| ValueRef::Blob(value.as_bytes())),
        other => return Err(rusqlite::Error::ToSqlConversionFailure(format!("no column holds {other:?}").into())),
    };
    Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
}

/// What a failure of SQLite means to us.
pub(super) fn failure(error: rusqlite::Error) -> StoreError {
    let taken = [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY];
    match error.sqlite_error() {
        Some(known) if taken.contains(&known.extended_code) => StoreError::Duplicate,
        _ => StoreError::Database(DbErr::Custom(error.to_string()).into()),
    }
}
