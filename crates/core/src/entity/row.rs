//! A row as typed values, one per entity column.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Entity;
use crate::chunk::RecordId;

/// Typed value of a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Text, e-mail addresses, URLs, choices and codes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A decimal number (exact).
    Decimal(Decimal),
    /// True or false.
    Boolean(bool),
    /// A date.
    Date(NaiveDate),
    /// A point in time.
    Instant(DateTime<Utc>),
    /// A UUID.
    Uuid(Uuid),
}

impl From<RecordId> for Value {
    fn from(id: RecordId) -> Self {
        match id {
            RecordId::Uuid(id) => Self::Uuid(id),
            RecordId::Bigint(id) => Self::Integer(id),
        }
    }
}

/// The values of a row by entity column, starting with the id. Which of them are required depends on the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    values: Box<[Option<Value>]>,
}

impl Row {
    /// A row with an optional value for each of the entity's columns.
    #[must_use]
    pub fn new(values: Vec<Option<Value>>) -> Self {
        Self { values: values.into_boxed_slice() }
    }

    /// The value in a column.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&Value> {
        self.values.get(column)?.as_ref()
    }

    /// Id of the record, if the row has one.
    #[must_use]
    pub fn id(&self) -> Option<RecordId> {
        match self.get(Entity::ID_COLUMN)? {
            Value::Uuid(id) => Some(RecordId::Uuid(*id)),
            Value::Integer(id) => Some(RecordId::Bigint(*id)),
            _ => None,
        }
    }

    /// The cell that holds the record's id, if any.
    #[must_use]
    pub fn id_value(&self) -> Option<&Value> {
        self.get(Entity::ID_COLUMN)
    }

    /// Sets the id of a new record.
    pub(super) fn set_id(&mut self, id: RecordId) {
        if let Some(place) = self.values.get_mut(Entity::ID_COLUMN) {
            *place = Some(id.into());
        }
    }

    /// The key, if the row has one.
    #[must_use]
    pub fn key(&self, entity: &Entity) -> Option<&Value> {
        self.get(entity.key_column())
    }

    /// True if the row has a value in the column.
    #[must_use]
    pub fn has(&self, column: usize) -> bool {
        self.get(column).is_some()
    }

    /// Takes over the values of a later row for the same record; in `cleared` columns also their absence.
    pub(super) fn take_over(&mut self, later: &Self, cleared: &[usize]) {
        for (index, (value, later)) in self.values.iter_mut().zip(&later.values).enumerate() {
            if later.is_some() || cleared.contains(&index) {
                value.clone_from(later);
            }
        }
    }

    /// Name of the first required column without a value.
    #[must_use]
    pub fn missing<'e>(&self, entity: &'e Entity) -> Option<&'e str> {
        let mut columns = entity.columns().iter().enumerate();
        let lacking = columns.find(|(index, column)| column.required && !self.has(*index));
        lacking.map(|(_, column)| column.name.as_str())
    }
}
