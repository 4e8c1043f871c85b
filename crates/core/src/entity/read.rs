//! Parses rows into typed values. An empty cell and a missing column both give no value.

use super::{ColumnMap, Entity, Row, Value};

/// A row's uploaded fields.
pub trait Fields {
    /// The field at an uploaded position.
    fn get(&self, position: usize) -> Option<&str>;
}

impl Fields for csv_intake::Record {
    fn get(&self, position: usize) -> Option<&str> {
        self.get(position)
    }
}

impl Fields for crate::chunk::ChunkRow<'_> {
    fn get(&self, position: usize) -> Option<&str> {
        self.field(position)
    }
}

/// A value that breaks a rule. The message does not repeat the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The entity's column.
    pub column: String,
    /// The rule, to be read after the column's name: "must be …".
    pub message: String,
}

impl FieldProblem {
    /// All problems of a row as one sentence for the uploader.
    #[must_use]
    pub fn sentence(problems: &[Self]) -> String {
        let sentences: Vec<_> =
            problems.iter().map(|problem| format!("{} {}", problem.column, problem.message)).collect();
        sentences.join("; ")
    }
}

/// Parses a row's values, checks them against every rule, and returns the problems of its cells. A cell with a problem
/// gives no value.
pub(super) fn read_row(entity: &Entity, map: &ColumnMap, fields: &dyn Fields) -> (Row, Vec<FieldProblem>) {
    row_of(entity, map, fields, |column, cell| entity.read(column, cell, map.settings()))
}

/// Like [`read_row`] without the rules, for a row that has been checked: they take longer than the parsing.
pub(super) fn parse_row(entity: &Entity, map: &ColumnMap, fields: &dyn Fields) -> (Row, Vec<FieldProblem>) {
    row_of(entity, map, fields, |column, cell| entity.columns[column].kind.parse(cell, map.settings()))
}

fn row_of(
    entity: &Entity,
    map: &ColumnMap,
    fields: &dyn Fields,
    value_of: impl Fn(usize, &str) -> Result<Option<Value>, String>,
) -> (Row, Vec<FieldProblem>) {
    let mut problems = Vec::new();
    let mut values = Vec::with_capacity(entity.columns.len());
    for index in 0..entity.columns.len() {
        let uploaded = map.position(index).and_then(|position| fields.get(position));
        let cell = uploaded.or(map.default_value(index)).unwrap_or_default();
        let value = if cell.is_empty() { Ok(None) } else { value_of(index, cell) };
        values.push(value.unwrap_or_else(|message| {
            problems.push(FieldProblem { column: entity.columns[index].name.clone(), message });
            None
        }));
    }
    (Row::new(values), problems)
}
