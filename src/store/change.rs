//! A change: everything that one decision writes, as data.
//!
//! A change has at most one guard, the condition that decides races: an UPDATE that must hit exactly one
//! row, or an INSERT that must not find its key taken. What follows is written if and only if the guard
//! held, in the same transaction: on SQLite in a savepoint of the shared commit, on PostgreSQL as one
//! statement, in one round trip. A change cannot read, so no change can read and then write.

use sea_orm::sea_query::{
    Alias, DeleteStatement, Expr, InsertStatement, OnConflict, PostgresQueryBuilder, Query, SelectStatement,
    SqlWriterValues, SqliteQueryBuilder, UpdateStatement,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue, DbBackend, EntityName, EntityTrait, IdenStatic, Iterable, Statement, Value,
};

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is durable.
    Done,
    /// The guard did not hold: nothing was written.
    Refused,
}

/// One step of a change.
#[derive(Clone, Debug)]
enum Step {
    Insert { table: &'static str, columns: Vec<&'static str>, rows: Vec<Vec<Value>>, unless_taken: bool },
    Update(UpdateStatement),
    Delete(DeleteStatement),
}

/// Everything that one decision writes.
#[derive(Clone, Debug, Default)]
pub struct Change {
    guard: Option<Step>,
    steps: Vec<Step>,
}

impl Change {
    /// A change that needs no condition.
    pub fn new() -> Self {
        Self::default()
    }

    /// A change that happens if this UPDATE hits exactly one row.
    pub fn if_updated(update: UpdateStatement) -> Self {
        Self { guard: Some(Step::Update(update)), steps: Vec::new() }
    }

    /// A change that happens if this row's key is free.
    pub fn if_inserted<A: ActiveModelTrait>(row: A) -> Self {
        Self { guard: Some(insert(row, true)), steps: Vec::new() }
    }

    /// Adds a row.
    #[must_use]
    pub fn insert<A: ActiveModelTrait>(mut self, row: A) -> Self {
        self.steps.push(insert(row, false));
        self
    }

    /// Adds a row unless its key is taken.
    #[must_use]
    pub fn insert_unless_taken<A: ActiveModelTrait>(mut self, row: A) -> Self {
        self.steps.push(insert(row, true));
        self
    }

    /// Changes rows, as many as there are.
    #[must_use]
    pub fn update(mut self, update: UpdateStatement) -> Self {
        self.steps.push(Step::Update(update));
        self
    }

    /// Removes rows, as many as there are.
    #[must_use]
    pub fn delete(mut self, delete: DeleteStatement) -> Self {
        self.steps.push(Step::Delete(delete));
        self
    }

    /// This change with the steps of another, which must have no guard of its own.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.steps.extend(other.guard);
        self.steps.extend(other.steps);
        self
    }

    /// Puts the rows of another change that only inserts beside those of this one, so that rows of the same
    /// shape become one INSERT.
    pub(super) fn gather(&mut self, other: Self) {
        for step in other.guard.into_iter().chain(other.steps) {
            let joined = match (self.steps.last_mut(), &step) {
                (
                    Some(Step::Insert { table, columns, rows, unless_taken: false }),
                    Step::Insert { table: same, columns: alike, rows: more, unless_taken: false },
                ) if table == same && columns == alike => {
                    rows.extend(more.iter().cloned());
                    true
                }
                _ => false,
            };
            if !joined {
                self.steps.push(step);
            }
        }
    }

    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.guard.is_none() && self.steps.is_empty()
    }

    /// The statements for SQLite, the guard first.
    pub(super) fn for_sqlite(&self) -> SqliteChange {
        let statement = |step: &Step| {
            let mut sql = SqlWriterValues::new("?", false);
            step.write(&SqliteQueryBuilder, None, &mut sql);
            statement(DbBackend::Sqlite, sql)
        };
        SqliteChange { guard: self.guard.as_ref().map(statement), steps: self.steps.iter().map(statement).collect() }
    }

    /// The one statement for PostgreSQL. It returns one row with the number of rows the guard hit,
    /// or 1 where there is no guard.
    pub(super) fn for_postgres(&self) -> Statement {
        let mut sql = SqlWriterValues::new("$", true);
        let mut names = Vec::new();
        let all = self.guard.iter().map(|step| (step, true)).chain(self.steps.iter().map(|step| (step, false)));
        for (number, (step, is_guard)) in all.enumerate() {
            let name = if is_guard { "guard".to_owned() } else { format!("step{number}") };
            push(&mut sql, if number == 0 { "WITH " } else { ", " });
            push(&mut sql, &name);
            push(&mut sql, " AS (");
            let gate = (self.guard.is_some() && !is_guard).then(guard_held);
            step.write(&PostgresQueryBuilder, gate.as_ref(), &mut sql);
            push(&mut sql, " RETURNING 1)");
            names.push(name);
        }
        push(&mut sql, if self.guard.is_some() { " SELECT count(*) FROM guard" } else { " SELECT 1::bigint" });
        statement(DbBackend::Postgres, sql)
    }

    /// How many steps there are, the guard included.
    pub fn len(&self) -> usize {
        usize::from(self.guard.is_some()) + self.steps.len()
    }
}

/// A change, written out for SQLite.
pub(super) struct SqliteChange {
    pub(super) guard: Option<Statement>,
    pub(super) steps: Vec<Statement>,
}

fn statement(backend: DbBackend, sql: SqlWriterValues) -> Statement {
    let (sql, values) = sql.into_parts();
    Statement::from_sql_and_values(backend, sql, values)
}

fn push(sql: &mut SqlWriterValues, text: &str) {
    // Writing to a string does not fail.
    let _ = std::fmt::Write::write_str(sql, text);
}

fn guard_held() -> SelectStatement {
    Query::select().expr(Expr::val(1)).from(Alias::new("guard")).to_owned()
}

fn insert<A: ActiveModelTrait>(row: A, unless_taken: bool) -> Step {
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for column in <A::Entity as EntityTrait>::Column::iter() {
        if let ActiveValue::Set(value) | ActiveValue::Unchanged(value) = row.get(column) {
            columns.push(column.as_str());
            values.push(value);
        }
    }
    Step::Insert { table: <A::Entity as Default>::default().table_name(), columns, rows: vec![values], unless_taken }
}

impl Step {
    fn write(
        &self,
        builder: &impl sea_orm::sea_query::QueryBuilder,
        gate: Option<&SelectStatement>,
        sql: &mut SqlWriterValues,
    ) {
        match self {
            Self::Insert { table, columns, rows, unless_taken } => {
                let mut insert = InsertStatement::new();
                insert.into_table(Alias::new(*table)).columns(columns.iter().map(|column| Alias::new(*column)));
                for row in rows {
                    let values = row.iter().cloned().map(Expr::val);
                    match gate {
                        None => {
                            // As many values as columns: both came from the same row.
                            let _ = insert.values(values);
                        }
                        Some(gate) => {
                            let gated = Query::select().exprs(values).and_where(Expr::exists(gate.clone())).to_owned();
                            let _ = insert.select_from(gated);
                        }
                    }
                }
                if *unless_taken {
                    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
                }
                insert.build_collect_any_into(builder, sql);
            }
            Self::Update(update) => {
                let mut update = update.clone();
                if let Some(gate) = gate {
                    update.and_where(Expr::exists(gate.clone()));
                }
                update.build_collect_any_into(builder, sql);
            }
            Self::Delete(delete) => {
                let mut delete = delete.clone();
                if let Some(gate) = gate {
                    delete.and_where(Expr::exists(gate.clone()));
                }
                delete.build_collect_any_into(builder, sql);
            }
        }
    }
}
