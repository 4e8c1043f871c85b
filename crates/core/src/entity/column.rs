//! Columns of an entity, and where an uploaded file has them.

use super::check::Check;
use super::{ColumnKind, Kind};
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
    settings: ReadSettings,
}

impl ColumnMap {
    /// From the entity column of each uploaded column, for an entity with `column_count` columns.
    #[must_use]
    pub fn new(uploaded: &[usize], column_count: usize) -> Self {
        Self::of_used(uploaded.iter().copied().enumerate(), column_count)
    }

    /// From the columns that are not left out: uploaded position and entity column.
    pub fn of_used(used: impl Iterator<Item = (usize, usize)>, column_count: usize) -> Self {
        let mut positions = vec![None; column_count];
        for (position, column) in used {
            positions[column] = Some(position);
        }
        Self { positions, settings: ReadSettings::default() }
    }

    /// The same columns, their cells read as `settings` say.
    #[must_use]
    pub fn read_with(mut self, settings: ReadSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The uploaded position of an entity column.
    #[must_use]
    pub fn position(&self, column: usize) -> Option<usize> {
        self.positions[column]
    }

    /// How cells are read.
    #[must_use]
    pub fn settings(&self) -> &ReadSettings {
        &self.settings
    }

    /// The same file, seen as if it had only the entity columns that `keep` wants.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let positions =
            self.positions.iter().enumerate().map(|(column, &position)| position.filter(|_| keep(column)));
        Self { positions: positions.collect(), settings: self.settings }
    }
}
