//! What can go wrong between us and the database.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// A failure of the store. None of them is ever shown to a peer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A key that must be unique is taken.
    #[error("a row with this key exists already")]
    Duplicate,
    /// More changes wait than we let wait.
    #[error("too many changes are waiting")]
    Busy,
    /// The database does not answer, has no room, or refused.
    #[error("the database failed: {0}")]
    Database(Arc<DbErr>),
    /// A row that our own types cannot read: somebody else wrote it.
    #[error("unreadable value in {table}.{column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A sealed value that our key does not open.
    #[error("sealed value in {table}.{column}: {source}")]
    Sealed {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Why.
        source: Arc<crate::seal::SealError>,
    },
}

impl StoreError {
    /// Whether the database refused a row for what it holds: nothing was written, and others may be.
    pub(super) fn is_of_a_row(&self) -> bool {
        match self {
            Self::Duplicate => true,
            Self::Database(error) => match error.as_ref() {
                // SQLSTATE: 22 is for values that cannot be, 23 for broken constraints.
                DbErr::Query(RuntimeErr::SqlxError(error)) => error
                    .as_database_error()
                    .and_then(|error| error.code())
                    .is_some_and(|code| code.starts_with("22") || code.starts_with("23")),
                _ => false,
            },
            _ => false,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Duplicate,
            _ => Self::Database(Arc::new(error)),
        }
    }
}

/// Shorthand for a value that cannot be read.
pub(super) const fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Corrupt { table, column }
}
