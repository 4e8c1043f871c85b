//! Options of an upload: the operation, the column mapping, and the handling of conflicts, duplicates and empty cells.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use csv_intake::ReadOptions;
use csv_intake::header::{Known, Mapping, UnknownColumns, Wanted};
use serde::{Deserialize, Serialize};

use crate::value::ReadSettings;

/// Operation applied to each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[allow(clippy::enum_variant_names)] // the contract's names
pub enum ActionType {
    /// Insert. [`OnConflict`] decides the case that the record exists already.
    BulkCreate,
    /// Update the record with the row's id, or with its key if the row has no id.
    BulkUpdate,
    /// Update the record with the row's key, or insert it.
    BulkUpsert,
    /// Delete the record with the row's id, or with its key if the row has no id.
    BulkDelete,
}

impl ActionType {
    /// Every action type, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::BulkCreate, Self::BulkUpdate, Self::BulkUpsert, Self::BulkDelete];

    /// The name used in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BulkCreate => "bulk_create",
            Self::BulkUpdate => "bulk_update",
            Self::BulkUpsert => "bulk_upsert",
            Self::BulkDelete => "bulk_delete",
        }
    }

    /// The type called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The effective operation: a create that updates existing records behaves as an upsert, with the same required
    /// columns.
    #[must_use]
    pub fn in_effect(self, on_conflict: OnConflict) -> Self {
        match (self, on_conflict) {
            (Self::BulkCreate, OnConflict::Update) => Self::BulkUpsert,
            (action, _) => action,
        }
    }

    /// True if rows refer to existing records (by id or key) instead of adding new ones.
    #[must_use]
    pub fn targets_existing(self) -> bool {
        matches!(self, Self::BulkUpdate | Self::BulkDelete)
    }
}

/// Handling of a `bulk_create` whose record exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OnConflict {
    /// Leave the record unchanged and count the row as skipped.
    #[default]
    Skip,
    /// Leave the record unchanged and count the row as failed.
    Error,
    /// Update the record.
    Update,
}

impl OnConflict {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Error, Self::Update];

    /// The name used in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Error => "error",
            Self::Update => "update",
        }
    }

    /// The choice called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name)
    }
}

/// Meaning of an empty cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyCells {
    /// Leaves the stored value unchanged.
    #[default]
    Keep,
    /// Removes the stored value.
    Clear,
}

impl EmptyCells {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Keep, Self::Clear];

    /// The name used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Clear => "clear",
        }
    }

    /// The choice called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name)
    }
}

/// Options for reading the file, its header and its cells. Stored with the action, so that every later reader uses the
/// same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Intake {
    /// Handling of columns that are neither mapped nor part of the entity.
    pub unknown_columns: UnknownColumns,
    /// Values for entity columns that the file does not have, applied to every row.
    pub defaults: BTreeMap<String, String>,
    /// Meaning of an empty cell.
    pub empty_cells: EmptyCells,
    /// Name of the sheet, for a workbook.
    pub sheet: Option<String>,
    /// Encoding, delimiter and the like: as given by the client, otherwise as detected.
    #[serde(flatten)]
    pub read: ReadOptions,
    /// Options for parsing cells into values.
    #[serde(flatten)]
    pub values: ReadSettings,
}

impl Intake {
    /// The columns to look for in a header.
    #[must_use]
    pub(crate) fn wanted<'a>(&'a self, mapping: &'a Mapping, known: &'a [Known<'a>]) -> Wanted<'a> {
        Wanted { known, mapping, unknown_columns: self.unknown_columns, defaults: &self.defaults }
    }
}

/// The time zone called `name`, if there is one.
#[must_use]
pub fn parse_timezone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// Options of an upload, stored with the action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionConfiguration {
    /// Skip rows whose key occurred earlier in the file.
    pub deduplicate: bool,
    /// Handling of a `bulk_create` whose record exists already.
    pub on_conflict: OnConflict,
    /// Maps a CSV header, or a position such as `#3`, to an entity column, or to `None` to ignore the column.
    pub mapping: Mapping,
    /// Compute the outcome of every row without changing any record.
    pub dry_run: bool,
    /// Options for reading the file.
    #[serde(flatten)]
    pub intake: Intake,
}
