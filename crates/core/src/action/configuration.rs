//! What the uploader chose: which rows mean what, and what happens to conflicts and duplicates.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use csv_intake::ReadOptions;
use csv_intake::header::{Known, Mapping, UnknownColumns, Wanted};
use serde::{Deserialize, Serialize};

use crate::value::ReadSettings;

/// What an action does with each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[allow(clippy::enum_variant_names)] // the contract's names
pub enum ActionType {
    /// Insert; [`OnConflict`] says what happens to a record that exists.
    BulkCreate,
    /// Change the record with the row's id, or else its key.
    BulkUpdate,
    /// Change the record with the row's key, or insert it.
    BulkUpsert,
    /// Remove the record with the row's id, or else its key.
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

    /// What is done with the rows in effect: a create that updates what exists is an upsert, and needs no more of a row.
    #[must_use]
    pub fn in_effect(self, on_conflict: OnConflict) -> Self {
        match (self, on_conflict) {
            (Self::BulkCreate, OnConflict::Update) => Self::BulkUpsert,
            (action, _) => action,
        }
    }

    /// Rows name records that must exist (by id or key), rather than bring new ones.
    #[must_use]
    pub fn targets_existing(self) -> bool {
        matches!(self, Self::BulkUpdate | Self::BulkDelete)
    }
}

/// What `bulk_create` does with a record that already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OnConflict {
    /// Leave it, and count the row as skipped.
    #[default]
    Skip,
    /// Leave it, and count the row as failed.
    Error,
    /// Update it.
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

/// What an empty cell does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyCells {
    /// It leaves the stored value as it is.
    #[default]
    Keep,
    /// It removes the stored value.
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

/// How the file, its header and its cells are read. Whatever reads the file after the upload reads it by these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Intake {
    /// What becomes of columns that are neither mapped nor the entity's.
    pub unknown_columns: UnknownColumns,
    /// From an entity column that the file does not have to its value in every row.
    pub defaults: BTreeMap<String, String>,
    /// What an empty cell does.
    pub empty_cells: EmptyCells,
    /// Of a workbook: the sheet.
    pub sheet: Option<String>,
    /// How the bytes become rows: as given, else as found.
    #[serde(flatten)]
    pub read: ReadOptions,
    /// How cells become values.
    #[serde(flatten)]
    pub values: ReadSettings,
}

impl Intake {
    /// How a header is to be read.
    #[must_use]
    pub fn wanted<'a>(&'a self, mapping: &'a Mapping, known: &'a [Known<'a>]) -> Wanted<'a> {
        Wanted { known, mapping, unknown_columns: self.unknown_columns, defaults: &self.defaults }
    }
}

/// The time zone that goes by `name`, if there is one.
#[must_use]
pub fn parse_timezone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The choices that come with an upload, kept with the action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionConfiguration {
    /// Rows whose key was seen before in the file are skipped.
    pub deduplicate: bool,
    /// What `bulk_create` does with a record that already exists.
    pub on_conflict: OnConflict,
    /// CSV header, or a position such as `#3`, to entity column, or to nothing where it is left out.
    pub mapping: Mapping,
    /// Every row gets its outcome, but no record is changed.
    pub dry_run: bool,
    /// How the file is read.
    #[serde(flatten)]
    pub intake: Intake,
}
