//! From text to typed values, once. An empty cell, like a column that the file lacks, is no value.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Column, ColumnMap, values};

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
        self.value(column, |text| text.parse().map_err(|_| "must be a UUID".to_owned()))
    }

    /// A whole number.
    pub fn integer(&mut self, column: usize) -> Option<i32> {
        self.value(column, values::integer)
    }

    /// A decimal number of 0 or more with up to `scale` digits after the point, and up to 15 before it.
    pub fn amount(&mut self, column: usize, scale: usize) -> Option<Decimal> {
        self.value(column, |text| values::amount(text, scale))
    }

    /// An RFC 3339 instant with up to microseconds.
    pub fn instant(&mut self, column: usize) -> Option<DateTime<Utc>> {
        self.value(column, values::instant)
    }

    /// An ISO 4217 code.
    pub fn currency(&mut self, column: usize) -> Option<String> {
        self.value(column, values::currency)
    }

    /// One of `choices`.
    pub fn choice(&mut self, column: usize, choices: &[&'static str]) -> Option<&'static str> {
        self.value(column, |text| values::choice(text, choices))
    }

    /// What was wrong with the values read so far.
    #[must_use]
    pub fn into_problems(self) -> Vec<FieldProblem> {
        self.problems
    }

    /// White space around a typed value is not part of it.
    fn value<T>(&mut self, column: usize, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.raw(column)?.trim();
        if text.is_empty() {
            return None;
        }
        read(text).map_err(|message| self.refuse(column, message)).ok()
    }

    fn raw(&self, column: usize) -> Option<&'a str> {
        self.fields.get(self.map.position(column)?).filter(|value| !value.is_empty())
    }

    /// PostgreSQL cannot store U+0000 in text; refused here, so that the sentence names the column.
    fn without_nul(&mut self, column: usize, value: &'a str) -> Option<&'a str> {
        if value.contains('\0') {
            self.refuse(column, "must not contain a NUL character".to_owned());
            return None;
        }
        Some(value).filter(|value| !value.is_empty())
    }

    fn refuse(&mut self, column: usize, message: String) {
        self.problems.push(FieldProblem { column: self.columns[column].name, message });
    }
}
