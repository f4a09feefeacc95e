//! Reading. What every request asks is written out: nothing has to build the text, it names only the columns that
//! are used, and they are read in that order.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use rusqlite::types::{FromSql, Value as SqliteValue, ValueRef};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement, TryGetable, Value,
};
use uuid::Uuid;

use super::error::{StoreError, corrupt};
use super::postgres::Connections;
use super::sqlite::Readers;
use super::{Store, TenantStore};
use crate::protocol::identifiers::UserId;
use crate::protocol::timestamp::Timestamp;
use crate::protocol::user::{User, UserStatus};
use crate::sign_in::session;

/// The columns that [`Columns::user`] reads, of `account a`.
macro_rules! user_columns {
    () => {
        "a.id, a.status, a.username, a.claims, a.created_at, a.audit_salt"
    };
}

/// The columns that [`Columns::session_alive`] reads, of `session s`.
macro_rules! session_columns {
    () => {
        "s.ended_at, s.idle_expires_at, s.expires_at"
    };
}

/// Joins the person and the session behind a row `g` that names both.
macro_rules! person_and_session {
    () => {
        " LEFT JOIN account a ON a.tenant_id = g.tenant_id AND a.id = g.user_id \
          LEFT JOIN session s ON s.tenant_id = g.tenant_id AND s.id = g.session_id "
    };
}

pub(super) use {person_and_session, session_columns, user_columns};

/// Where reads go. What is seldom asked is built by SeaORM, which asks [`ConnectionTrait`].
pub(super) enum Reads {
    Sqlite { hot: Readers, seldom: DatabaseConnection },
    Postgres(Connections),
}

#[async_trait]
impl ConnectionTrait for Reads {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite { .. } => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite { seldom, .. } => seldom.query_all_raw(statement).await,
            Self::Postgres(connections) => {
                let values = statement.values.map_or_else(Vec::new, |values| values.0);
                let found = connections.rows(&statement.sql, values).await?;
                Ok(found.into_iter().map(QueryResult::from).collect())
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn execute_raw(&self, _: Statement) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom("the writer writes, not those who read".to_owned()))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute_raw(Statement::from_string(self.get_database_backend(), sql)).await
    }
}

/// A row, from either database.
pub(super) enum Row {
    Sqlite(Vec<SqliteValue>),
    Postgres(QueryResult),
}

impl TenantStore {
    /// The row of a statement that finds one at most. `$1` is the tenant; the values begin at `$2`.
    pub(super) async fn one_row(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all_rows(sql, values).await?.into_iter().next())
    }

    /// All rows. `$1` is the tenant; the values begin at `$2`.
    pub(super) async fn all_rows(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let values = std::iter::once(Value::from(self.tenant.0)).chain(values).collect();
        self.store.hot_rows(sql, values).await
    }
}

impl Store {
    /// All rows of a statement; the values begin at `$1`.
    pub(super) async fn hot_rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.0.counts.reads.fetch_add(1, Ordering::Relaxed);
        // SQLite reads `$1` as PostgreSQL does.
        Ok(match &self.0.reads {
            Reads::Sqlite { hot, .. } => hot.rows(sql, &values)?.into_iter().map(Row::Sqlite).collect(),
            Reads::Postgres(connections) => {
                let found = connections.rows(sql, values).await.map_err(StoreError::from)?;
                found.into_iter().map(|row| Row::Postgres(row.into())).collect()
            }
        })
    }
}

/// The columns of a row, in the order in which the statement names them.
pub(super) struct Columns<'a> {
    row: &'a Row,
    at: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a Row) -> Self {
        Self { row, at: 0 }
    }

    pub(super) fn next<T: TryGetable + FromSql>(&mut self) -> Result<T, DbErr> {
        let at = self.at;
        self.at += 1;
        match self.row {
            Row::Postgres(row) => row.try_get_by_index(at),
            Row::Sqlite(values) => {
                let value = values.get(at).map_or(ValueRef::Null, ValueRef::from);
                T::column_result(value).map_err(|error| DbErr::Type(format!("column {at}: {error}")))
            }
        }
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, DbErr> {
        self.next().map(Timestamp::from_seconds)
    }

    pub(super) fn time_if_any(&mut self) -> Result<Option<Timestamp>, DbErr> {
        Ok(self.next::<Option<i64>>()?.map(Timestamp::from_seconds))
    }

    /// A person, unless gone: see `user_columns`.
    pub(super) fn user(&mut self) -> Result<Option<User>, StoreError> {
        let Some(id) = self.next::<Option<Uuid>>()? else {
            self.at += 5;
            return Ok(None);
        };
        Ok(Some(User {
            id: UserId(id),
            status: UserStatus::parse(&self.next::<String>()?).ok_or(corrupt("account", "status"))?,
            username: self.next()?,
            claims: serde_json::from_str(&self.next::<String>()?).map_err(|_| corrupt("account", "claims"))?,
            created_at: self.time()?,
            audit_salt: self.next()?,
        }))
    }

    /// Whether there is a session that lives: see `session_columns`.
    pub(super) fn session_alive(&mut self, now: Timestamp) -> Result<bool, DbErr> {
        let (ended, idle, whole) = (self.time_if_any()?, self.time_if_any()?, self.time_if_any()?);
        Ok(idle.zip(whole).is_some_and(|(idle, whole)| session::is_alive(ended, idle, whole, now)))
    }
}
