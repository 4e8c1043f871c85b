//! Columns of an entity and their positions in an uploaded file.

use csv_intake::header::Resolved;

use super::check::Check;
use super::{ColumnKind, Kind};
use crate::action::{EmptyCells, Intake};
use crate::value::ReadSettings;

/// A column of an entity.
#[derive(Debug, Clone)]
pub struct Column {
    /// Name in CSV headers and in the API.
    pub name: String,
    /// Name in the table.
    pub sql: String,
    /// Kind of the values.
    pub kind: Kind,
    /// True if a new record needs a value.
    pub required: bool,
    /// The rules for values, as a sentence.
    pub rule: String,
    /// A valid value.
    pub example: String,
    /// Alternative names in a header.
    pub aliases: Vec<String>,
    /// Rule beyond those of the kind.
    pub(super) check: Option<Check>,
    /// Line of the declaration, from 1.
    pub(super) line: usize,
}

impl Column {
    /// The kind without its rules.
    #[must_use]
    pub fn kind_name(&self) -> ColumnKind {
        self.kind.name()
    }
}

/// Positions of an entity's columns in an uploaded file, and the options for reading its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap {
    positions: Vec<Option<usize>>,
    /// Values for columns that the file does not have.
    defaults: Vec<Option<String>>,
    /// True if an empty cell removes the stored value.
    clears: bool,
    settings: ReadSettings,
}

impl ColumnMap {
    /// Builds a map from the entity column of each uploaded column, for an entity with `column_count` columns.
    #[must_use]
    pub fn new(uploaded: &[usize], column_count: usize) -> Self {
        let mut map = Self::empty(column_count);
        for (position, &column) in uploaded.iter().enumerate() {
            map.positions[column] = Some(position);
        }
        map
    }

    /// Builds a map from a resolved header, for an entity with `column_count` columns.
    #[must_use]
    pub(super) fn resolved(resolved: &Resolved, column_count: usize, intake: &Intake) -> Self {
        let mut map = Self::empty(column_count);
        for (position, column) in resolved.used() {
            map.positions[column] = Some(position);
        }
        for (column, value) in &resolved.defaults {
            map.defaults[*column] = Some(value.clone());
        }
        Self { clears: intake.empty_cells == EmptyCells::Clear, settings: intake.values, ..map }
    }

    fn empty(column_count: usize) -> Self {
        Self {
            positions: vec![None; column_count],
            defaults: vec![None; column_count],
            clears: false,
            settings: ReadSettings::default(),
        }
    }

    /// Uploaded position of an entity column.
    #[must_use]
    pub fn position(&self, column: usize) -> Option<usize> {
        self.positions[column]
    }

    /// Value of an entity column that the file does not have, for every row.
    #[must_use]
    pub fn default_value(&self, column: usize) -> Option<&str> {
        self.defaults[column].as_deref()
    }

    /// True if rows may have a value in the entity column.
    #[must_use]
    pub fn has(&self, column: usize) -> bool {
        self.positions[column].is_some() || self.defaults[column].is_some()
    }

    /// True if an empty cell of this entity column removes the stored value.
    #[must_use]
    pub fn clears(&self, column: usize) -> bool {
        self.clears && self.positions[column].is_some()
    }

    /// Options for reading cells.
    #[must_use]
    pub fn settings(&self) -> &ReadSettings {
        &self.settings
    }

    /// A map of the same file restricted to the entity columns that `keep` selects.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut map = self.clone();
        for column in 0..map.positions.len() {
            if !keep(column) {
                map.positions[column] = None;
                map.defaults[column] = None;
            }
        }
        map
    }
}
