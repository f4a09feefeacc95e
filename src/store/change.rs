//! A change: everything that one decision writes, as data.
//!
//! A change has at most one guard, the condition that decides races: an UPDATE or DELETE that names a key and must
//! hit its row, or an INSERT that must not find its key taken. What follows is written if and only if the guard
//! held, in the same transaction: on SQLite as a part of the shared commit, on PostgreSQL as one
//! statement, in one round trip. A change cannot read, so no change can read and then write.
//!
//! The SQL is written here by hand: three shapes of statement, the same text each time for the same shape, so
//! that both databases find it prepared.

use sea_orm::{ActiveModelTrait, ActiveValue, EntityName, EntityTrait, IdenStatic, Iterable, Value};

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is durable.
    Done,
    /// The guard did not hold: nothing was written.
    Refused,
}

/// Rows of one table, told by what stands in their columns, and what an UPDATE sets in them.
#[derive(Clone, Debug)]
pub struct Rows {
    table: &'static str,
    tests: Vec<(&'static str, Test)>,
    sets: Vec<(&'static str, Set)>,
    first_of: Option<(&'static str, i64)>,
}

#[derive(Clone, Debug)]
enum Test {
    Is(Value),
    IsOneOf(Vec<Value>),
    IsNull,
    IsBelow(Value),
    IsAbove(Value),
}

#[derive(Clone, Debug)]
enum Set {
    To(Value),
    /// A number raised by so much.
    Raised(i64),
}

impl Rows {
    /// All rows of a table. [`super::TenantStore::rows`] begins with those of one tenant.
    pub(super) fn of(table: &'static str) -> Self {
        Self { table, tests: Vec::new(), sets: Vec::new(), first_of: None }
    }

    fn test(mut self, column: &'static str, test: Test) -> Self {
        self.tests.push((column, test));
        self
    }

    /// Those with this value.
    #[must_use]
    pub(super) fn with(self, column: &'static str, value: impl Into<Value>) -> Self {
        self.test(column, Test::Is(value.into()))
    }

    /// Those with one of these values; none, if there are none.
    #[must_use]
    pub(super) fn with_one_of<V: Into<Value>>(self, column: &'static str, values: impl IntoIterator<Item = V>) -> Self {
        self.test(column, Test::IsOneOf(values.into_iter().map(Into::into).collect()))
    }

    /// Those without a value.
    #[must_use]
    pub(super) fn without(self, column: &'static str) -> Self {
        self.test(column, Test::IsNull)
    }

    /// Those with less.
    #[must_use]
    pub(super) fn below(self, column: &'static str, value: impl Into<Value>) -> Self {
        self.test(column, Test::IsBelow(value.into()))
    }

    /// Those with more.
    #[must_use]
    pub(super) fn above(self, column: &'static str, value: impl Into<Value>) -> Self {
        self.test(column, Test::IsAbove(value.into()))
    }

    /// No more than so many of them, the first by a column that has an index; for rows that are deleted.
    #[must_use]
    pub(super) fn first_of(mut self, column: &'static str, number: i64) -> Self {
        self.first_of = Some((column, number));
        self
    }

    /// Sets a column.
    #[must_use]
    pub(super) fn set(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.sets.push((column, Set::To(value.into())));
        self
    }

    /// Raises a number.
    #[must_use]
    pub(super) fn raise(mut self, column: &'static str, by: i64) -> Self {
        self.sets.push((column, Set::Raised(by)));
        self
    }
}

/// One step of a change.
#[derive(Clone, Debug)]
enum Step {
    Insert { table: &'static str, columns: Vec<&'static str>, rows: Vec<Vec<Value>>, unless_taken: bool },
    Update(Rows),
    Delete(Rows),
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
    pub fn if_updated(rows: Rows) -> Self {
        Self { guard: Some(Step::Update(rows)), steps: Vec::new() }
    }

    /// A change that happens if this DELETE hits exactly one row.
    pub fn if_deleted(rows: Rows) -> Self {
        Self { guard: Some(Step::Delete(rows)), steps: Vec::new() }
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
    pub fn update(mut self, rows: Rows) -> Self {
        self.steps.push(Step::Update(rows));
        self
    }

    /// Removes rows, as many as there are.
    #[must_use]
    pub fn delete(mut self, rows: Rows) -> Self {
        self.steps.push(Step::Delete(rows));
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
            match (self.steps.last_mut(), step) {
                (
                    Some(Step::Insert { table, columns, rows, unless_taken: false }),
                    Step::Insert { table: same, columns: alike, rows: more, unless_taken: false },
                ) if *table == same && *columns == alike => rows.extend(more),
                (_, step) => self.steps.push(step),
            }
        }
    }

    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.guard.is_none() && self.steps.is_empty()
    }

    /// How many steps there are, the guard included.
    pub fn len(&self) -> usize {
        usize::from(self.guard.is_some()) + self.steps.len()
    }

    /// The statements for SQLite.
    pub(super) fn for_sqlite(self) -> Statements {
        let statement = |step: Step| {
            let mut sql = Sql::new(Numbering::None);
            step.write(None, &mut sql);
            sql
        };
        Statements { guard: self.guard.map(statement), steps: self.steps.into_iter().map(statement).collect() }
    }

    /// The one statement for PostgreSQL. It returns one row with the number of rows the guard hit,
    /// or 1 where there is no guard.
    pub(super) fn for_postgres(self) -> Sql {
        let mut sql = Sql::new(Numbering::Dollar);
        let guarded = self.guard.is_some();
        if let Some(guard) = self.guard {
            sql.text("WITH guard AS (");
            guard.write(None, &mut sql);
            sql.text(" RETURNING 1)");
        }
        for (number, step) in self.steps.into_iter().enumerate() {
            sql.text(if number == 0 && !guarded { "WITH step" } else { ", step" });
            sql.text(&number.to_string());
            sql.text(" AS (");
            step.write(guarded.then_some("EXISTS (SELECT 1 FROM guard)"), &mut sql);
            sql.text(" RETURNING 1)");
        }
        sql.text(if guarded { " SELECT count(*) FROM guard" } else { " SELECT 1::bigint" });
        sql
    }
}

fn insert<A: ActiveModelTrait>(row: A, unless_taken: bool) -> Step {
    let mut columns = Vec::new();
    let mut values = Vec::new();
    let mut row = row;
    for column in <A::Entity as EntityTrait>::Column::iter() {
        if let ActiveValue::Set(value) | ActiveValue::Unchanged(value) = row.take(column) {
            columns.push(column.as_str());
            values.push(value);
        }
    }
    Step::Insert { table: <A::Entity as Default>::default().table_name(), columns, rows: vec![values], unless_taken }
}

#[derive(Clone, Copy)]
enum Numbering {
    /// `?`, as they come.
    None,
    /// `$1`, `$2`, …
    Dollar,
}

/// A change as SQLite is asked for it.
pub(super) struct Statements {
    /// Comes first; nothing follows unless it hits one row.
    pub(super) guard: Option<Sql>,
    pub(super) steps: Vec<Sql>,
}

/// A statement while it is written.
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    numbering: Numbering,
}

impl Sql {
    fn new(numbering: Numbering) -> Self {
        Self { text: String::with_capacity(512), values: Vec::with_capacity(32), numbering }
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A name; none of ours needs more than quotes, and they keep words of SQL from being read as such.
    fn name(&mut self, name: &str) {
        self.text.push('"');
        self.text.push_str(name);
        self.text.push('"');
    }

    fn names(&mut self, names: &[&str]) {
        for (number, name) in names.iter().enumerate() {
            self.text(if number == 0 { "" } else { ", " });
            self.name(name);
        }
    }

    fn value(&mut self, value: Value) {
        self.values.push(value);
        match self.numbering {
            Numbering::None => self.text.push('?'),
            Numbering::Dollar => {
                self.text.push('$');
                let number = self.values.len().to_string();
                self.text.push_str(&number);
            }
        }
    }

    fn list(&mut self, values: impl IntoIterator<Item = Value>) {
        for (number, value) in values.into_iter().enumerate() {
            self.text(if number == 0 { "" } else { ", " });
            self.value(value);
        }
    }
}

impl Step {
    /// With a gate, the step does nothing unless that condition holds.
    fn write(self, gate: Option<&str>, sql: &mut Sql) {
        match self {
            Self::Insert { table, columns, rows, unless_taken } => {
                sql.text("INSERT INTO ");
                sql.name(table);
                sql.text(" (");
                sql.names(&columns);
                sql.text(")");
                for (number, row) in rows.into_iter().enumerate() {
                    match (gate, number) {
                        (Some(_), 0) => sql.text(" SELECT "),
                        (Some(_), _) => sql.text(" UNION ALL SELECT "),
                        (None, 0) => sql.text(" VALUES ("),
                        (None, _) => sql.text(", ("),
                    }
                    sql.list(row);
                    match gate {
                        Some(gate) => {
                            sql.text(" WHERE ");
                            sql.text(gate);
                        }
                        None => sql.text(")"),
                    }
                }
                if unless_taken {
                    sql.text(" ON CONFLICT DO NOTHING");
                }
            }
            Self::Update(rows) => {
                sql.text("UPDATE ");
                sql.name(rows.table);
                for (number, (column, set)) in rows.sets.into_iter().enumerate() {
                    sql.text(if number == 0 { " SET " } else { ", " });
                    sql.name(column);
                    sql.text(" = ");
                    match set {
                        Set::To(value) => sql.value(value),
                        Set::Raised(by) => {
                            sql.name(column);
                            sql.text(" + ");
                            sql.value(by.into());
                        }
                    }
                }
                filter(rows.tests, gate, sql);
            }
            Self::Delete(rows) => {
                sql.text("DELETE FROM ");
                sql.name(rows.table);
                if let Some((column, number)) = rows.first_of {
                    let row = match sql.numbering {
                        Numbering::None => "rowid",
                        Numbering::Dollar => "ctid",
                    };
                    sql.text(&format!(" WHERE {row} IN (SELECT {row} FROM "));
                    sql.name(rows.table);
                    filter(rows.tests, gate, sql);
                    sql.text(" ORDER BY ");
                    sql.name(column);
                    sql.text(&format!(" LIMIT {number})"));
                } else {
                    filter(rows.tests, gate, sql);
                }
            }
        }
    }
}

fn filter(tests: Vec<(&'static str, Test)>, gate: Option<&str>, sql: &mut Sql) {
    let mut word = " WHERE ";
    for (column, test) in tests {
        sql.text(word);
        word = " AND ";
        sql.name(column);
        match test {
            Test::Is(value) => {
                sql.text(" = ");
                sql.value(value);
            }
            Test::IsOneOf(values) => {
                sql.text(" IN (");
                // Nothing is equal to NULL.
                sql.text(if values.is_empty() { "NULL" } else { "" });
                sql.list(padded(values));
                sql.text(")");
            }
            Test::IsNull => sql.text(" IS NULL"),
            Test::IsBelow(value) => {
                sql.text(" < ");
                sql.value(value);
            }
            Test::IsAbove(value) => {
                sql.text(" > ");
                sql.value(value);
            }
        }
    }
    if let Some(gate) = gate {
        sql.text(word);
        sql.text(gate);
    }
}

/// As many values as the next power of two, the last repeated: lists of all lengths make a handful of statements.
fn padded(mut values: Vec<Value>) -> Vec<Value> {
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}
