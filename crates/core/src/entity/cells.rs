//! From text to typed values, once. An empty cell, like a column that the file lacks, is no value.

use uuid::Uuid;

use super::{Column, ColumnMap};

/// A row's uploaded fields.
pub trait Fields {
    /// The field at an uploaded position.
    fn get(&self, position: usize) -> Option<&str>;
}

impl Fields for csv_async::StringRecord {
    fn get(&self, position: usize) -> Option<&str> {
        self.get(position)
    }
}

impl Fields for crate::chunk::ChunkRow {
    fn get(&self, position: usize) -> Option<&str> {
        self.field(position)
    }
}

/// A value that breaks a rule. The sentence never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The entity's column.
    pub column: &'static str,
    /// What is wrong, to be read after the column's name: "must be …".
    pub message: String,
}

/// Reads the typed values of one row by entity column, and remembers what is wrong with them.
pub struct Cells<'a> {
    columns: &'static [Column],
    map: &'a ColumnMap,
    fields: &'a dyn Fields,
    problems: Vec<FieldProblem>,
}

impl<'a> Cells<'a> {
    /// The cells of one row.
    #[must_use]
    pub fn new(columns: &'static [Column], map: &'a ColumnMap, fields: &'a dyn Fields) -> Self {
        Self { columns, map, fields, problems: Vec::new() }
    }

    /// Text byte for byte.
    pub fn text(&mut self, column: usize) -> Option<String> {
        let value = self.raw(column)?;
        self.without_nul(column, value).map(str::to_owned)
    }

    /// Text without white space around it.
    pub fn trimmed(&mut self, column: usize) -> Option<String> {
        let value = self.raw(column)?.trim();
        self.without_nul(column, value).map(str::to_owned)
    }

    /// Text without white space around it, in lower case.
    pub fn lower_case(&mut self, column: usize) -> Option<String> {
        let value = self.raw(column)?.trim();
        self.without_nul(column, value).map(str::to_lowercase)
    }

    /// A UUID.
    pub fn uuid(&mut self, column: usize) -> Option<Uuid> {
        self.parsed(column, "must be a UUID")
    }

    /// A whole number.
    pub fn integer(&mut self, column: usize) -> Option<i32> {
        self.parsed(column, "must be a whole number")
    }

    /// What was wrong with the values read so far.
    #[must_use]
    pub fn into_problems(self) -> Vec<FieldProblem> {
        self.problems
    }

    fn parsed<T: std::str::FromStr>(&mut self, column: usize, message: &str) -> Option<T> {
        let value = self.raw(column)?.trim();
        if value.is_empty() {
            return None;
        }
        let parsed = value.parse().ok();
        if parsed.is_none() {
            self.refuse(column, message);
        }
        parsed
    }

    fn raw(&self, column: usize) -> Option<&'a str> {
        self.fields.get(self.map.position(column)?).filter(|value| !value.is_empty())
    }

    /// PostgreSQL cannot store U+0000 in text; refused here, so that the sentence names the column.
    fn without_nul(&mut self, column: usize, value: &'a str) -> Option<&'a str> {
        if value.contains('\0') {
            self.refuse(column, "must not contain a NUL character");
            return None;
        }
        Some(value).filter(|value| !value.is_empty())
    }

    fn refuse(&mut self, column: usize, message: &str) {
        self.problems.push(FieldProblem { column: self.columns[column].name, message: message.to_owned() });
    }
}
