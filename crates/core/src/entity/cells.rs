//! From text to typed values, once. An empty cell, like a column that the file lacks, is no value.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Column, ColumnMap};
use crate::value::{self, ReadSettings};

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

    /// Any text.
    pub fn text(&mut self, column: usize) -> Option<String> {
        self.value(column, |text| match text.contains('\0') {
            // PostgreSQL cannot store U+0000 in text; refused here, so that the sentence names the column.
            true => Err("must not contain a NUL character".to_owned()),
            false => Ok(text.to_owned()),
        })
    }

    /// An e-mail address in the one form in which it is stored.
    pub fn email(&mut self, column: usize) -> Option<String> {
        self.value(column, value::email)
    }

    /// Text that names a record.
    pub fn key(&mut self, column: usize) -> Option<String> {
        self.value(column, |text| value::key(text).map(str::to_owned))
    }

    /// A UUID.
    pub fn uuid(&mut self, column: usize) -> Option<Uuid> {
        self.value(column, value::uuid)
    }

    /// A whole number.
    pub fn integer(&mut self, column: usize) -> Option<i32> {
        self.value(column, |text| {
            let number = value::integer(text)?;
            i32::try_from(number).map_err(|_| match number.is_positive() {
                true => format!("must be {} or less", i32::MAX),
                false => format!("must be {} or more", i32::MIN),
            })
        })
    }

    /// A decimal number of 0 or more with up to `scale` digits after the point, and up to 15 before it.
    pub fn amount(&mut self, column: usize, scale: u32) -> Option<Decimal> {
        self.value(column, |text| {
            let value = value::decimal(text, scale, &ReadSettings::default())?;
            if value.is_sign_negative() { Err("must be 0 or more".to_owned()) } else { Ok(value) }
        })
    }

    /// An instant with up to microseconds.
    pub fn instant(&mut self, column: usize) -> Option<DateTime<Utc>> {
        self.value(column, |text| value::instant(text, &ReadSettings::default()))
    }

    /// An ISO 4217 code.
    pub fn currency(&mut self, column: usize) -> Option<String> {
        self.value(column, value::currency)
    }

    /// One of `choices`.
    pub fn choice(&mut self, column: usize, choices: &'static [&'static str]) -> Option<&'static str> {
        self.value(column, |text| value::choice(text, choices))
    }

    /// What was wrong with the values read so far.
    #[must_use]
    pub fn into_problems(self) -> Vec<FieldProblem> {
        self.problems
    }

    /// What nobody sees around a value is not part of it.
    fn value<T>(&mut self, column: usize, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = value::clean(self.raw(column)?);
        if text.is_empty() {
            return None;
        }
        read(&text).map_err(|message| self.refuse(column, message)).ok()
    }

    fn raw(&self, column: usize) -> Option<&'a str> {
        self.fields.get(self.map.position(column)?).filter(|value| !value.is_empty())
    }

    fn refuse(&mut self, column: usize, message: String) {
        self.problems.push(FieldProblem { column: self.columns[column].name, message });
    }
}
