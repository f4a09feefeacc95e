//! The end of rows, as declared in `tables`.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};

use super::Store;
use super::change::Change;
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
            let delete = Query::delete()
                .from_table(Alias::new(table.name))
                .and_where(Expr::col(Alias::new(column)).lt(now.seconds() - seconds))
                .to_owned();
            self.write(&Change::new().delete(delete)).await?;
        }
        Ok(())
    }
}
