//! An action in API responses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    ActionStatus, ActionType, DecimalMark, EmptyCells, EntityName, OnConflict, Outcome, ShortRows, Timestamp,
    UnknownColumns,
};

/// A bulk action with its configuration, progress, file and results.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionView {
    pub id: Uuid,
    pub account_id: String,
    #[schema(value_type = EntityName)]
    pub entity_type: String,
    pub action_type: ActionType,
    pub status: ActionStatus,
    /// Result; null until the action is completed.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// Reason of the failure; null unless the action failed.
    #[schema(required)]
    pub error: Option<FailureView>,
    pub configuration: ConfigurationView,
    #[schema(required)]
    pub scheduled_at: Option<Timestamp>,
    /// Reason that the action has not started yet; null once it has started.
    #[schema(required)]
    pub waiting_for: Option<WaitView>,
    /// Rows of the file.
    pub total_entities: i64,
    pub progress: ProgressView,
    pub file: FileView,
    pub results: ResultsView,
    pub chunks: ChunksView,
    /// Trace id of the upload. The log has every line about the action under it.
    #[schema(required)]
    pub trace_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    #[schema(required)]
    pub completed_at: Option<Timestamp>,
}

/// Options of the upload.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationView {
    pub deduplicate: bool,
    pub on_conflict: OnConflict,
    /// Maps each CSV header, or position such as `#3`, to an entity column, or to null if the column is ignored. Left
    /// out of lists because of its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<BTreeMap<String, Option<String>>>,
    pub unknown_columns: UnknownColumns,
    /// Values for columns that the file does not have. Left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<BTreeMap<String, String>>,
    pub empty_cells: EmptyCells,
    pub short_rows: ShortRows,
    /// Encoding, as given or detected; null for actions created before it was recorded.
    #[schema(required, example = "UTF-8")]
    pub encoding: Option<String>,
    /// Delimiter, as given or detected; null for actions created before it was recorded.
    #[schema(required, example = ",")]
    pub delimiter: Option<String>,
    /// Line of the header, if it was given; null if it was found.
    #[serde(default)]
    #[schema(required, example = 3)]
    pub header_line: Option<u64>,
    /// Time zone of dates and times without an offset.
    #[schema(required, example = "Europe/Berlin")]
    pub timezone: Option<String>,
    pub decimal: DecimalMark,
    /// Sheet that was read, for a workbook.
    #[schema(required)]
    pub sheet: Option<String>,
    pub dry_run: bool,
}

/// Reason of an action's failure.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    pub code: String,
    #[schema(required)]
    pub message: Option<String>,
}

/// Reason that an action has not started.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitView {
    /// `schedule`, `another_file` or `worker`.
    #[schema(example = "another_file")]
    pub code: String,
    /// A sentence for people.
    #[schema(example = "another file of yours is being read")]
    pub message: String,
}

/// Row counters, with percentages and speed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressView {
    pub total_records: i64,
    pub successful_records: i64,
    pub failed_records: i64,
    pub skipped_records: i64,
    pub processed_records: i64,
    /// Percent of processed rows, with two decimals; the next two likewise.
    pub success_rate: f64,
    pub failure_rate: f64,
    pub skip_rate: f64,
    /// Percent of all rows; 100 only if every row has an outcome.
    pub completion_rate: f64,
    /// Speed while workers were on the action.
    pub rows_per_second: f64,
    /// Estimated seconds until every row has an outcome; null while no worker makes progress.
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
    /// Time of the file's removal, in the future or past; null while the action is unfinished, and if files are kept
    /// for ever.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    /// Link to the file, valid for an hour. Only in responses about one action, and while the file is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_url: Option<String>,
}

/// Results of the rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultsView {
    /// Time of the removal of logs and results, in the future or past; null while the action is unfinished, and if they
    /// are kept for ever.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
}

/// Chunks: the pieces in which workers process the file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChunksView {
    pub total: i32,
    pub done: i32,
    /// Failed their last attempt; `retry` tries them again.
    pub dead: i32,
}
