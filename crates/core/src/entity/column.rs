//! Columns of an entity, and where an uploaded file has them.

use super::check::Check;
use csv_intake::header::Resolved;

use super::{ColumnKind, Kind};
use crate::action::{EmptyCells, Intake};
use crate::value::ReadSettings;

/// A column of an entity.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name in CSV headers and in the API.
    pub name: String,
    /// Its name in the table.
    pub sql: String,
    /// What its cells look like.
    pub kind: Kind,
    /// A new record needs it.
    pub required: bool,
    /// The rules for its values, as a sentence.
    pub rule: String,
    /// A value that passes.
    pub example: String,
    /// Other names by which a header may call it.
    pub aliases: Vec<String>,
    /// A rule beyond those of its kind.
    pub(super) check: Option<Check>,
    /// Line of the declaration, from 1.
    pub(super) line: usize,
}

impl Column {
    /// Its kind without the rules.
    #[must_use]
    pub fn kind_name(&self) -> ColumnKind {
        self.kind.name()
    }
}

/// Where an uploaded file has each of an entity's columns, and how its cells are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap {
    positions: Vec<Option<usize>>,
    /// Values for columns that the file does not have.
    defaults: Vec<Option<String>>,
    /// An empty cell removes the stored value.
    clears: bool,
    settings: ReadSettings,
}

impl ColumnMap {
    /// From the entity column of each uploaded column, for an entity with `column_count` columns.
    #[must_use]
    pub fn new(uploaded: &[usize], column_count: usize) -> Self {
        let mut map = Self::empty(column_count);
        for (position, &column) in uploaded.iter().enumerate() {
            map.positions[column] = Some(position);
        }
        map
    }

    /// From what a header turned out to be, for an entity with `column_count` columns.
    #[must_use]
    pub fn resolved(resolved: &Resolved, column_count: usize, intake: &Intake) -> Self {
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

    /// The uploaded position of an entity column.
    #[must_use]
    pub fn position(&self, column: usize) -> Option<usize> {
        self.positions[column]
    }

    /// The value that every row has in an entity column that the file lacks.
    #[must_use]
    pub fn default_value(&self, column: usize) -> Option<&str> {
        self.defaults[column].as_deref()
    }

    /// Rows may have a value in the entity column.
    #[must_use]
    pub fn has(&self, column: usize) -> bool {
        self.positions[column].is_some() || self.defaults[column].is_some()
    }

    /// An empty cell of this entity column removes the stored value.
    #[must_use]
    pub fn clears(&self, column: usize) -> bool {
        self.clears && self.positions[column].is_some()
    }

    /// How cells are read.
    #[must_use]
    pub fn settings(&self) -> &ReadSettings {
        &self.settings
    }

    /// The same file, seen as if it had only the entity columns that `keep` wants.
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
