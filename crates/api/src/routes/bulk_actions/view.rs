//! An action as callers see it.

use bulk_core::action::{ActionConfiguration, ActionStatus, ActionType, Outcome, Progress};
use bulk_core::db::ActionRecord;
use bulk_core::telemetry::TraceContext;
use chrono::Utc;
use serde::Serialize;
use uuid::Uuid;

use crate::envelope::Timestamp;

/// Everything about an action.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionView {
    id: Uuid,
    account_id: String,
    entity_type: String,
    action_type: ActionType,
    status: ActionStatus,
    outcome: Option<Outcome>,
    error: Option<FailureView>,
    configuration: ActionConfiguration,
    scheduled_at: Option<Timestamp>,
    total_entities: i64,
    progress: ProgressView,
    file: FileView,
    chunks: ChunksView,
    trace_id: Option<Uuid>,
    created_at: Timestamp,
    updated_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

/// Why an action failed.
#[derive(Serialize)]
struct FailureView {
    code: String,
    message: Option<String>,
}

/// Counts and what follows from them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProgressView {
    total_records: i64,
    successful_records: i64,
    failed_records: i64,
    skipped_records: i64,
    processed_records: i64,
    #[serde(flatten)]
    progress: Progress,
}

/// The uploaded file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileView {
    pub(super) file_name: String,
    pub(super) file_path: String,
    pub(super) file_size: i64,
    pub(super) etag: String,
    pub(super) uploaded_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) download_url: Option<String>,
}

#[derive(Serialize)]
struct ChunksView {
    total: i32,
    done: i32,
    dead: i32,
}

impl ActionView {
    /// The action; with a link to its file where one was made.
    pub(super) fn new(action: ActionRecord, download_url: Option<String>) -> Self {
        let progress = ProgressView::of(&action);
        let file = FileView::of(&action, download_url);
        let error = action.error_code.map(|code| FailureView { code, message: action.error_message });
        Self {
            id: action.id,
            account_id: action.account_id,
            entity_type: action.entity_type,
            action_type: action.action_type,
            status: action.status,
            outcome: action.outcome,
            error,
            configuration: action.configuration,
            scheduled_at: action.scheduled_at.map(Timestamp),
            total_entities: action.total_rows,
            progress,
            file,
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
    pub(super) fn of(action: &ActionRecord, download_url: Option<String>) -> Self {
        Self {
            file_name: action.file_name.clone(),
            file_path: action.file_key.clone(),
            file_size: action.file_size_bytes,
            etag: action.file_etag.clone(),
            uploaded_at: action.file_uploaded_at.into(),
            download_url,
        }
    }
}

impl ProgressView {
    /// How far the action has come by now, or had come when it ended or was paused.
    pub(super) fn of(action: &ActionRecord) -> Self {
        let counts = &action.counts;
        Self {
            total_records: action.total_rows,
            successful_records: counts.successful,
            failed_records: counts.failed,
            skipped_records: counts.skipped,
            processed_records: counts.processed(),
            progress: action.progress(Utc::now()),
        }
    }
}
