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
    /// The first failure of the database; the other tables are swept all the same.
    pub async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut result = Ok(());
        for table in TABLES {
            let Retention::After { column, seconds } = table.retention else { continue };
            // A table that cannot be swept is no reason to leave the others to grow.
            result = result.and(self.purge_table(table.name, column, now.seconds() - seconds).await);
        }
        result
    }

    async fn purge_table(&self, table: &'static str, column: &'static str, end: i64) -> Result<(), StoreError> {
        // In the order of the column, which has an index: PostgreSQL, which does not know that few are below, would
        // else begin to read the table.
        let left = format!("SELECT 1 FROM {table} WHERE {column} < $1 ORDER BY {column} LIMIT 1");
        while !self.hot_rows(&left, vec![end.into()]).await?.is_empty() {
            self.write(Change::new().delete(Rows::of(table).below(column, end).first_of(column, PORTION))).await?;
        }
        Ok(())
    }
}
