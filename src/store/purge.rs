//! The end of rows, as declared in `tables`.

use super::Store;
use super::change::{Change, Rows};
use super::error::StoreError;
use super::tables::{Retention, TABLES};
use crate::protocol::timestamp::Timestamp;

impl Store {
    /// Deletes the rows whose time is over, a table at a time so that no writer waits for all of them.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        for table in TABLES {
            let Retention::After { column, seconds } = table.retention else { continue };
            let delete = Rows::of(table.name).below(column, now.seconds() - seconds);
            self.write(Change::new().delete(delete)).await?;
        }
        Ok(())
    }
}
