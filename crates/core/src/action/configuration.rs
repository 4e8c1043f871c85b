//! What the uploader chose: which rows mean what, and what happens to conflicts and duplicates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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

/// The choices that come with an upload, kept with the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionConfiguration {
    /// Rows whose key was seen before in the file are skipped.
    pub deduplicate: bool,
    /// What `bulk_create` does with a record that already exists.
    pub on_conflict: OnConflict,
    /// CSV header to entity column, where they differ.
    pub mapping: BTreeMap<String, String>,
    /// Every row gets its outcome, but no record is changed.
    pub dry_run: bool,
}
