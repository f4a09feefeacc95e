//! The end of rows, as declared in `tables`.

use super::Store;
use super::change::{Change, Rows};
use super::error::StoreError;
use super::tables::{Retention, TABLES};
use crate::protocol::timestamp::Timestamp;

/// Rows deleted at once: few enough that nobody who writes waits long, nor the statement too long for the database.
const PORTION: i64 = 2_000;

impl Store {
    /// Deletes the rows whose time is over, in portions so that no writer waits for all of them.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        for table in TABLES {
            let Retention::After { column, seconds } = table.retention else { continue };
            let end = now.seconds() - seconds;
            let left = format!("SELECT 1 FROM {} WHERE {column} < $1 LIMIT 1", table.name);
            while !self.hot_rows(&left, vec![end.into()], 1).await?.is_empty() {
                self.write(Change::new().delete(Rows::of(table.name).below(column, end).at_most(PORTION))).await?;
            }
        }
        Ok(())
    }
}
