//! An action as callers see it.

use std::collections::BTreeMap;

use bulk_core::action::{
    ActionConfiguration, ActionStatus, ActionType, EmptyCells, Intake, OnConflict, Outcome, Progress,
};
use bulk_core::config::RetentionConfig;
use bulk_core::db::ActionRecord;
use bulk_core::telemetry::TraceContext;
use bulk_core::value::DecimalMark;
use csv_intake::header::UnknownColumns;
use csv_intake::{Delimiter, ShortRows, TextEncoding};
use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::envelope::Timestamp;
use crate::openapi::{
    ActionStatusName, ActionTypeName, DecimalMarkName, EmptyCellsName, EntityName, OnConflictName,
    OutcomeName, ShortRowsName, UnknownColumnsName,
};
use crate::retention::Expiry;

/// Everything about an action.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionView {
    id: Uuid,
    account_id: String,
    #[schema(value_type = EntityName)]
    entity_type: String,
    #[schema(value_type = ActionTypeName)]
    action_type: ActionType,
    #[schema(value_type = ActionStatusName)]
    status: ActionStatus,
    /// How it went; null until it is completed.
    #[schema(value_type = Option<OutcomeName>, required)]
    outcome: Option<Outcome>,
    /// Why it failed, if it did.
    #[schema(required)]
    error: Option<FailureView>,
    configuration: ConfigurationView,
    #[schema(required)]
    scheduled_at: Option<Timestamp>,
    /// Why it has not begun yet; null once it has.
    #[schema(required)]
    waiting_for: Option<WaitView>,
    /// Rows of the file.
    total_entities: i64,
    progress: ProgressView,
    file: FileView,
    results: ResultsView,
    chunks: ChunksView,
    /// The trace of the upload, under which the log has everything that was done for it.
    #[schema(required)]
    trace_id: Option<Uuid>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[schema(required)]
    started_at: Option<Timestamp>,
    #[schema(required)]
    completed_at: Option<Timestamp>,
}

/// The choices that came with the upload.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConfigurationView {
    deduplicate: bool,
    #[schema(value_type = OnConflictName)]
    on_conflict: OnConflict,
    /// CSV header, or a position such as `#3`, to entity column, or to null where it is left out; not in lists, where it
    /// would outweigh everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    mapping: Option<BTreeMap<String, Option<String>>>,
    #[schema(value_type = UnknownColumnsName)]
    unknown_columns: UnknownColumns,
    /// Values for columns that the file does not have; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    defaults: Option<BTreeMap<String, String>>,
    #[schema(value_type = EmptyCellsName)]
    empty_cells: EmptyCells,
    #[schema(value_type = ShortRowsName)]
    short_rows: ShortRows,
    /// The encoding that was given or found; null for actions of before.
    #[schema(required, value_type = Option<String>, example = "UTF-8")]
    encoding: Option<TextEncoding>,
    /// The delimiter that was given or found; null for actions of before.
    #[schema(required, value_type = Option<String>, example = ",")]
    delimiter: Option<Delimiter>,
    /// The zone of dates and times without one.
    #[schema(required, example = "Europe/Berlin")]
    timezone: Option<String>,
    #[schema(value_type = DecimalMarkName)]
    decimal: DecimalMark,
    /// Of a workbook: the sheet.
    #[schema(required)]
    sheet: Option<String>,
    dry_run: bool,
}

impl From<ActionConfiguration> for ConfigurationView {
    fn from(chosen: ActionConfiguration) -> Self {
        let ActionConfiguration { deduplicate, on_conflict, mapping, dry_run, intake } = chosen;
        let Intake { unknown_columns, defaults, empty_cells, sheet, read, values } = intake;
        Self {
            deduplicate,
            on_conflict,
            mapping: Some(mapping),
            unknown_columns,
            defaults: Some(defaults),
            empty_cells,
            short_rows: read.short_rows,
            encoding: read.encoding,
            delimiter: read.delimiter,
            timezone: values.timezone.map(|zone| zone.to_string()),
            decimal: values.decimal,
            sheet,
            dry_run,
        }
    }
}

/// Why an action failed.
#[derive(Serialize, ToSchema)]
struct FailureView {
    code: String,
    #[schema(required)]
    message: Option<String>,
}

/// Why an action has not begun yet.
#[derive(Serialize, ToSchema)]
struct WaitView {
    /// `schedule`, `another_file` or `worker`.
    #[schema(example = "another_file")]
    code: &'static str,
    #[schema(example = "another file of yours is being read")]
    message: String,
}

impl WaitView {
    fn of(action: &ActionRecord) -> Option<Self> {
        let (code, message) = match (action.status, action.scheduled_at) {
            (ActionStatus::Scheduled, Some(at)) => {
                ("schedule", format!("it is scheduled for {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)))
            }
            (ActionStatus::Queued, _) if action.behind_own_file => {
                ("another_file", "another file of yours is being read".to_owned())
            }
            (ActionStatus::Queued, _) => ("worker", "it is waiting for a worker".to_owned()),
            _ => return None,
        };
        Some(Self { code, message })
    }
}

/// Counts and what follows from them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProgressView {
    total_records: i64,
    successful_records: i64,
    failed_records: i64,
    skipped_records: i64,
    processed_records: i64,
    /// Percent of processed rows, two decimals; as are the next two.
    success_rate: f64,
    failure_rate: f64,
    skip_rate: f64,
    /// Percent of all rows; 100 only when every row has an outcome.
    completion_rate: f64,
    /// While the action was worked on.
    rows_per_second: f64,
    /// Seconds until every row has an outcome at this speed; null while nothing moves.
    #[schema(required)]
    eta_seconds: Option<i64>,
}

/// The uploaded file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileView {
    pub(super) file_name: String,
    pub(super) file_path: String,
    pub(super) file_size: i64,
    pub(super) etag: String,
    pub(super) uploaded_at: Timestamp,
    /// When the file is removed, or was; null while the action is unfinished, and where files are kept for ever.
    #[schema(required)]
    pub(super) expires_at: Option<Timestamp>,
    /// Where the file can be fetched for an hour; only where one action is asked for, and while the file is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) download_url: Option<String>,
}

/// The outcomes of the rows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ResultsView {
    /// When logs and results are removed, or were; null while the action is unfinished, and where they are kept for ever.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

/// The pieces in which the file is worked on.
#[derive(Serialize, ToSchema)]
struct ChunksView {
    total: i32,
    done: i32,
    /// Given up on; `retry` tries them again.
    dead: i32,
}

impl ActionView {
    /// The action as one of many.
    pub(super) fn in_list(action: ActionRecord, kept: &RetentionConfig) -> Self {
        let mut view = Self::new(action, None, kept);
        view.configuration.mapping = None;
        view.configuration.defaults = None;
        view
    }

    /// The action; with a link to its file where one was made.
    pub(super) fn new(action: ActionRecord, download_url: Option<String>, kept: &RetentionConfig) -> Self {
        let progress = ProgressView::of(&action);
        let waiting_for = WaitView::of(&action);
        let file = FileView::of(&action, download_url, kept);
        let results = ResultsView { expires_at: Expiry::of_results(&action, kept).0.map(Timestamp) };
        let error = action.error_code.map(|code| FailureView { code, message: action.error_message });
        Self {
            id: action.id,
            account_id: action.account_id,
            entity_type: action.entity_type,
            action_type: action.action_type,
            status: action.status,
            outcome: action.outcome,
            error,
            configuration: action.configuration.into(),
            scheduled_at: action.scheduled_at.map(Timestamp),
            waiting_for,
            total_entities: action.total_rows,
            progress,
            file,
            results,
            chunks: ChunksView {
                total: action.chunk_count,
                done: action.chunks_done,
                dead: action.chunks_dead,
            },
            trace_id: TraceContext::from_traceparent(&action.traceparent).map(TraceContext::trace_id),
            created_at: action.created_at.into(),
            updated_at: action.updated_at.into(),
            started_at: action.started_at.map(Timestamp),
            completed_at: action.completed_at.map(Timestamp),
        }
    }
}

impl FileView {
    /// The file of an action; with a link where one was made.
    pub(super) fn of(action: &ActionRecord, download_url: Option<String>, kept: &RetentionConfig) -> Self {
        Self {
            file_name: action.file_name.clone(),
            file_path: action.file_key.clone(),
            file_size: action.file_size_bytes,
            etag: action.file_etag.clone(),
            uploaded_at: action.file_uploaded_at.into(),
            expires_at: Expiry::of_file(action, kept).0.map(Timestamp),
            download_url,
        }
    }
}

impl ProgressView {
    /// How far the action had come when it was read, or when it ended or was paused.
    pub(super) fn of(action: &ActionRecord) -> Self {
        let counts = &action.counts;
        let Progress { success_rate, failure_rate, skip_rate, completion_rate, rows_per_second, eta_seconds } =
            action.progress();
        Self {
            total_records: action.total_rows,
            successful_records: counts.successful,
            failed_records: counts.failed,
            skipped_records: counts.skipped,
            processed_records: counts.processed(),
            success_rate,
            failure_rate,
            skip_rate,
            completion_rate,
            rows_per_second,
            eta_seconds,
        }
    }
}
