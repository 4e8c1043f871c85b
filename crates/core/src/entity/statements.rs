//! The SQL statements of an entity, built from its declaration. Each has one fixed text, so a connection prepares it
//! once.
//!
//! Every statement is set-based. The rows come as one array per column in `$2`, `$3`, …; `$1` is the account. No two
//! rows of a statement have the same id or key, so their order does not matter. The result is arrays in a single row,
//! because reading ten thousand rows is expensive; `ord` tells which input row matched which record.
//!
//! A record must be found by the unique index on account and id, or account and key: any other plan reads all records
//! of the account for each of ten thousand rows. Two texts ensure that (docs/decisions/0017).
//! - `sql` is the plain form. It compares the account with the parameter, so a distributed PostgreSQL sends the
//!   statement to one node. The planner uses the index as long as its statistics roughly match the table.
//! - `in_order` leaves the planner no choice: each row takes the first record at its position in the order of the
//!   index, and only that index provides the order without sorting. It costs a fifth more and is used when the plan of
//!   `sql` does not use the index.

use std::sync::Arc;

use super::declaration::quoted;
use super::{Column, Entity};

/// A statement and the columns whose arrays it takes, in order.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    /// The text.
    pub sql: Arc<str>,
    /// Text with the same effect that finds each record in the order of the index; `None` for an insert.
    pub in_order: Option<Arc<str>>,
    /// Index of the column that identifies a record within the account; `None` for an insert.
    pub by: Option<usize>,
    /// Indexes of the entity's columns.
    pub columns: Vec<usize>,
}

impl Statement {
    /// The EXPLAIN of [`Self::sql`] for this number of rows. `$1` is its only parameter.
    #[must_use]
    pub fn explain(&self, entity: &Entity, row_count: usize) -> String {
        let mut sql = self.sql.to_string();
        for (place, &column) in self.columns.iter().enumerate() {
            let sql_type = entity.columns()[column].kind.sql_type();
            // The planner uses the length of an array, not its contents.
            let filled = format!("array_fill(NULL::{sql_type}, ARRAY[{row_count}])");
            sql = sql.replacen(&array(place, &entity.columns()[column]), &filled, 1);
        }
        format!("EXPLAIN (FORMAT JSON) {sql}")
    }
}

/// Every statement of an entity.
#[derive(Debug, Clone, Default)]
pub struct Statements {
    /// Inserts rows that conflict with no record. Returns the new ids, with the keys if the database generates the ids.
    pub insert: Statement,
    /// Updates the records with the rows' ids, including the key; values that a row lacks are kept.
    pub update_by_id: Statement,
    /// Updates the records with the rows' keys; values that a row lacks are kept.
    pub update_by_key: Statement,
    /// Deletes the records with the rows' ids.
    pub delete_by_id: Statement,
    /// Deletes the records with the rows' keys.
    pub delete_by_key: Statement,
    /// Finds the records with the rows' keys.
    pub find_by_key: Statement,
}

impl Statements {
    /// Builds all statements of an entity.
    pub(super) fn of(entity: &Entity) -> Self {
        let (id, key) = (Entity::ID_COLUMN, entity.key_column());
        let all: Vec<usize> = (0..entity.columns().len()).collect();
        let without_id: Vec<usize> = all.iter().copied().filter(|&column| column != id).collect();
        let by_key: Vec<usize> =
            std::iter::once(key).chain(without_id.iter().copied().filter(|&column| column != key)).collect();
        let inserted = if entity.id().generated { without_id } else { all.clone() };
        Self {
            insert: Statement {
                sql: insert(entity, &inserted).into(),
                columns: inserted,
                ..Statement::default()
            },
            update_by_id: matching(entity, id, all, &Effect::update(entity, id)),
            update_by_key: matching(entity, key, by_key, &Effect::update(entity, key)),
            delete_by_id: matching(entity, id, vec![id], &Effect::delete(entity)),
            delete_by_key: matching(entity, key, vec![key], &Effect::delete(entity)),
            find_by_key: matching(entity, key, vec![key], &Effect::find(entity)),
        }
    }

    /// The statements with their names.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &Statement); 6] {
        [
            ("insert", &self.insert),
            ("update by id", &self.update_by_id),
            ("update by key", &self.update_by_key),
            ("delete by id", &self.delete_by_id),
            ("delete by key", &self.delete_by_key),
            ("find by key", &self.find_by_key),
        ]
    }
}

fn insert(entity: &Entity, columns: &[usize]) -> String {
    let names = list(entity, columns, |_, column| quoted(&column.sql));
    let values = list(entity, columns, |_, column| format!("i.{}", quoted(&column.sql)));
    let (returning, answer) = if entity.id().generated {
        let key = entity.key();
        let key = format!("{}::{} AS key", quoted(&key.sql), key.kind.sql_type());
        (format!("{}, {key}", returned_id(entity, "")), "array_agg(id) AS ids, array_agg(key) AS keys")
    } else {
        (returned_id(entity, ""), "array_agg(id) AS ids")
    };
    format!(
        "WITH answer AS (\n  \
           INSERT INTO {table} ({account}, {names})\n  \
           SELECT $1::{account_type}, {values}\n  \
           FROM unnest({arrays}) AS i ({names})\n  \
           ON CONFLICT DO NOTHING\n  \
           RETURNING {returning})\n\
         SELECT {answer} FROM answer",
        table = entity.table_sql(),
        account = quoted(&entity.account().sql),
        account_type = entity.account().kind.sql_type(),
        arrays = arrays(entity, columns),
    )
}

/// The text of a statement around its lookup of records.
struct Effect {
    /// Text before the rows.
    before: String,
    /// Text after the condition.
    after: String,
    /// True if the statement only reads.
    is_read: bool,
}

impl Effect {
    /// Updates all columns except the ones that identify the record; the id never changes.
    fn update(entity: &Entity, by: usize) -> Self {
        let changed = |&column: &usize| column != by && column != Entity::ID_COLUMN;
        let changed: Vec<usize> = (0..entity.columns().len()).filter(changed).collect();
        let sets: Vec<String> = changed
            .iter()
            .map(|index| {
                let name = quoted(&entity.columns()[*index].sql);
                if entity.cleared.contains(index) {
                    format!("{name} = i.{name}")
                } else {
                    format!("{name} = coalesce(i.{name}, t.{name})")
                }
            })
            .collect();
        let sets = sets.join(", ");
        let stamp = entity.updated_at.as_deref().map(|column| format!("{} = now()", quoted(column)));
        let mut sets: Vec<String> =
            [Some(sets).filter(|sets| !sets.is_empty()), stamp].into_iter().flatten().collect();
        if sets.is_empty() {
            // A table with only id and key has nothing to update; the statement still finds its records.
            let by = quoted(&entity.columns()[by].sql);
            sets.push(format!("{by} = t.{by}"));
        }
        Self {
            before: format!("UPDATE {} t\n  SET {}\n  FROM", entity.table_sql(), sets.join(", ")),
            ..Self::delete(entity)
        }
    }

    fn delete(entity: &Entity) -> Self {
        Self {
            before: format!("DELETE FROM {} t\n  USING", entity.table_sql()),
            after: format!("\n  RETURNING i.{}, {}", ord(entity), returned_id(entity, "t.")),
            is_read: false,
        }
    }

    fn find(entity: &Entity) -> Self {
        Self {
            before: format!("SELECT i.{}, {}\n  FROM", ord(entity), returned_id(entity, "t.")),
            after: String::new(),
            is_read: true,
        }
    }
}

fn matching(entity: &Entity, by: usize, columns: Vec<usize>, effect: &Effect) -> Statement {
    let Effect { before, after, is_read } = effect;
    let (table, ord) = (entity.table_sql(), ord(entity));
    let (account, name) = (quoted(&entity.account().sql), quoted(&entity.columns()[by].sql));
    let account_type = entity.account().kind.sql_type();
    let names = list(entity, &columns, |_, column| quoted(&column.sql));
    let arrays = arrays(entity, &columns);
    let also = if *is_read { format!(" {table} t,") } else { String::new() };
    let planned = format!(
        "{before}{also} (SELECT * FROM unnest({arrays}) WITH ORDINALITY OFFSET 0) AS i ({names}, {ord})\n  \
         WHERE t.{account} = $1::{account_type} AND t.{name} = i.{name}{after}"
    );
    // `ctid`, the physical place of the record, so that the record changed is the record found.
    let found = format!(
        "r.{account} = $1::{account_type} AND r.{name} >= i.{name} AND r.{name} <= i.{name}\n    \
         ORDER BY r.{name} LIMIT 1"
    );
    let rows = format!("unnest({arrays}) WITH ORDINALITY AS i ({names}, {ord})");
    let in_order = if *is_read {
        format!(
            "{before} {rows}\n  CROSS JOIN LATERAL (\n    SELECT r.* FROM {table} r WHERE {found}) AS t{after}"
        )
    } else {
        format!(
            "{before} {rows}\n  CROSS JOIN LATERAL (\n    \
             SELECT r.tableoid, r.ctid FROM {table} r WHERE {found}) AS f (part, place)\n  \
             WHERE t.ctid = f.place AND t.tableoid = f.part{after}"
        )
    };
    let answered = |sql: String| -> Arc<str> {
        format!(
            "WITH answer AS (\n  {sql})\nSELECT array_agg({ord}) AS ords, array_agg(id) AS ids FROM answer"
        )
        .into()
    };
    Statement { sql: answered(planned), in_order: Some(answered(in_order)), by: Some(by), columns }
}

fn list(entity: &Entity, columns: &[usize], each: impl Fn(usize, &Column) -> String) -> String {
    let parts: Vec<String> =
        columns.iter().enumerate().map(|(place, &column)| each(place, &entity.columns()[column])).collect();
    parts.join(", ")
}

fn arrays(entity: &Entity, columns: &[usize]) -> String {
    list(entity, columns, array)
}

/// Parameter for the array of a column, the `place`-th of the statement.
fn array(place: usize, column: &Column) -> String {
    format!("${}::{}[]", place + 2, column.kind.sql_type())
}

fn returned_id(entity: &Entity, table: &str) -> String {
    format!("{table}{}::{} AS id", quoted(&entity.id().sql), entity.id().kind.sql_type())
}

/// A name for the row number that no column of the table has.
fn ord(entity: &Entity) -> String {
    let mut name = "ord".to_owned();
    while entity.columns().iter().any(|column| column.sql == name) {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests;
