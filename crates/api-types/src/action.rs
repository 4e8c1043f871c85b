//! An action as callers see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    ActionStatus, ActionType, DecimalMark, EmptyCells, EntityName, OnConflict, Outcome, ShortRows, Timestamp,
    UnknownColumns,
};

/// Everything about an action.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionView {
    pub id: Uuid,
    pub account_id: String,
    #[schema(value_type = EntityName)]
    pub entity_type: String,
    pub action_type: ActionType,
    pub status: ActionStatus,
    /// How it went; null until it is completed.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// Why it failed, if it did.
    #[schema(required)]
    pub error: Option<FailureView>,
    pub configuration: ConfigurationView,
    #[schema(required)]
    pub scheduled_at: Option<Timestamp>,
    /// Why it has not begun yet; null once it has.
    #[schema(required)]
    pub waiting_for: Option<WaitView>,
    /// Rows of the file.
    pub total_entities: i64,
    pub progress: ProgressView,
    pub file: FileView,
    pub results: ResultsView,
    pub chunks: ChunksView,
    /// The trace of the upload, under which the log has everything that was done for it.
    #[schema(required)]
    pub trace_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    #[schema(required)]
    pub completed_at: Option<Timestamp>,
}

/// The choices that came with the upload.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationView {
    pub deduplicate: bool,
    pub on_conflict: OnConflict,
    /// CSV header, or a position such as `#3`, to entity column, or to null where it is left out; not in lists, where it
    /// would outweigh everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<BTreeMap<String, Option<String>>>,
    pub unknown_columns: UnknownColumns,
    /// Values for columns that the file does not have; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<BTreeMap<String, String>>,
    pub empty_cells: EmptyCells,
    pub short_rows: ShortRows,
    /// The encoding that was given or found; null for actions of before.
    #[schema(required, example = "UTF-8")]
    pub encoding: Option<String>,
    /// The delimiter that was given or found; null for actions of before.
    #[schema(required, example = ",")]
    pub delimiter: Option<String>,
    /// The zone of dates and times without one.
    #[schema(required, example = "Europe/Berlin")]
    pub timezone: Option<String>,
    pub decimal: DecimalMark,
    /// Of a workbook: the sheet.
    #[schema(required)]
    pub sheet: Option<String>,
    pub dry_run: bool,
}

/// Why an action failed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    pub code: String,
    #[schema(required)]
    pub message: Option<String>,
}

/// Why an action has not begun yet.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitView {
    /// `schedule`, `another_file` or `worker`.
    #[schema(example = "another_file")]
    pub code: String,
    /// A sentence for people.
    #[schema(example = "another file of yours is being read")]
    pub message: String,
}

/// Counts and what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressView {
    pub total_records: i64,
    pub successful_records: i64,
    pub failed_records: i64,
    pub skipped_records: i64,
    pub processed_records: i64,
    /// Percent of processed rows, two decimals; as are the next two.
    pub success_rate: f64,
    pub failure_rate: f64,
    pub skip_rate: f64,
    /// Percent of all rows; 100 only when every row has an outcome.
    pub completion_rate: f64,
    /// While the action was worked on.
    pub rows_per_second: f64,
    /// Seconds until every row has an outcome at this speed; null while nothing moves.
    #[schema(required)]
    pub eta_seconds: Option<i64>,
}

/// The uploaded file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    pub file_name: String,
    pub file_path: String,
    pub file_size: i64,
    pub etag: String,
    pub uploaded_at: Timestamp,
    /// When the file is removed, or was; null while the action is unfinished, and where files are kept for ever.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    /// Where the file can be fetched for an hour; only where one action is asked for, and while the file is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_url: Option<String>,
}

/// The outcomes of the rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultsView {
    /// When logs and results are removed, or were; null while the action is unfinished, and where they are kept for ever.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
}

/// The pieces in which the file is worked on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChunksView {
    pub total: i32,
    pub done: i32,
    /// Given up on; `retry` tries them again.
    pub dead: i32,
}
