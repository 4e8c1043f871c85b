//! A row as typed values, by the entity's columns.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Entity;

/// A value of a cell, as the column's kind reads it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Text, e-mail addresses, URLs, choices and codes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A decimal number, exactly.
    Decimal(Decimal),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(NaiveDate),
    /// A point in time.
    Instant(DateTime<Utc>),
    /// A UUID.
    Uuid(Uuid),
}

/// What names a record in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordId {
    /// A UUID.
    Uuid(Uuid),
    /// A number.
    Bigint(i64),
}

impl RecordId {
    /// The same as a cell of a row.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Uuid(id) => Value::Uuid(id),
            Self::Bigint(id) => Value::Integer(id),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(id) => id.fmt(f),
            Self::Bigint(id) => id.fmt(f),
        }
    }
}

/// The values of one row by entity column; the id is the first. What must be there depends on the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    values: Box<[Option<Value>]>,
}

impl Row {
    /// A row with one value, or none, for each of the entity's columns.
    #[must_use]
    pub fn new(values: Vec<Option<Value>>) -> Self {
        Self { values: values.into_boxed_slice() }
    }

    /// The value in a column.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&Value> {
        self.values.get(column)?.as_ref()
    }

    /// The record's id, where the row names it.
    #[must_use]
    pub fn id(&self) -> Option<RecordId> {
        match self.get(Entity::ID_COLUMN)? {
            Value::Uuid(id) => Some(RecordId::Uuid(*id)),
            Value::Integer(id) => Some(RecordId::Bigint(*id)),
            _ => None,
        }
    }

    /// The value that is the record's id.
    #[must_use]
    pub fn id_value(&self) -> Option<&Value> {
        self.get(Entity::ID_COLUMN)
    }

    /// Gives a new record its id.
    pub(super) fn set_id(&mut self, id: RecordId) {
        if let Some(place) = self.values.get_mut(Entity::ID_COLUMN) {
            *place = Some(id.into_value());
        }
    }

    /// The key, where the row has one.
    #[must_use]
    pub fn key(&self, entity: &Entity) -> Option<&Value> {
        self.get(entity.key_column())
    }

    /// Whether the row has a value in a column.
    #[must_use]
    pub fn has(&self, column: usize) -> bool {
        self.get(column).is_some()
    }

    /// Takes over every value that a later row for the same record has, and in `cleared` columns that it has none.
    pub(super) fn take_over(&mut self, later: &Self, cleared: &[usize]) {
        for (index, (value, later)) in self.values.iter_mut().zip(&later.values).enumerate() {
            if later.is_some() || cleared.contains(&index) {
                value.clone_from(later);
            }
        }
    }

    /// Name of the first column that a new record needs and the row has no value for.
    #[must_use]
    pub fn missing<'e>(&self, entity: &'e Entity) -> Option<&'e str> {
        let mut columns = entity.columns().iter().enumerate();
        let lacking = columns.find(|(index, column)| column.required && !self.has(*index));
        lacking.map(|(_, column)| column.name.as_str())
    }
}
