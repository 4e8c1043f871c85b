//! An action in responses.

use api_types::{
    ActionView, ChunksView, ConfigurationView, FailureView, FileView, ProgressView, ResultsView, WaitView,
};
use bulk_core::action::{ActionConfiguration, ActionStatus, Intake, Progress};
use bulk_core::config::RetentionConfig;
use bulk_core::db::ActionRecord;
use bulk_core::telemetry::TraceContext;
use chrono::SecondsFormat;
use csv_intake::{Delimiter, HeaderLine, TextEncoding};

use crate::retention::Expiry;
use crate::vocabulary::InApi;

/// The action as an item of a list.
pub(super) fn action_in_list(action: ActionRecord, kept: &RetentionConfig) -> ActionView {
    let mut view = action_view(action, None, kept);
    view.configuration.mapping = None;
    view.configuration.defaults = None;
    view
}

/// The action, with a link to its file if one was made.
pub(super) fn action_view(
    action: ActionRecord,
    download_url: Option<String>,
    kept: &RetentionConfig,
) -> ActionView {
    let progress = progress_view(&action);
    let waiting_for = wait_view(&action);
    let file = file_view(&action, download_url, kept);
    let results = ResultsView { expires_at: Expiry::of_results(&action, kept).0.map(Into::into) };
    let error = action.error_code.map(|code| FailureView { code, message: action.error_message });
    ActionView {
        id: action.id,
        account_id: action.account_id,
        entity_type: action.entity_type,
        action_type: action.action_type.in_api(),
        status: action.status.in_api(),
        outcome: action.outcome.map(InApi::in_api),
        error,
        configuration: configuration_view(action.configuration),
        scheduled_at: action.scheduled_at.map(Into::into),
        waiting_for,
        total_entities: action.total_rows,
        progress,
        file,
        results,
        chunks: ChunksView { total: action.chunk_count, done: action.chunks_done, dead: action.chunks_dead },
        trace_id: TraceContext::from_traceparent(&action.traceparent).map(TraceContext::trace_id),
        created_at: action.created_at.into(),
        updated_at: action.updated_at.into(),
        started_at: action.started_at.map(Into::into),
        completed_at: action.completed_at.map(Into::into),
    }
}

fn configuration_view(chosen: ActionConfiguration) -> ConfigurationView {
    let ActionConfiguration { deduplicate, on_conflict, mapping, dry_run, intake } = chosen;
    let Intake { unknown_columns, defaults, empty_cells, sheet, read, values } = intake;
    ConfigurationView {
        deduplicate,
        on_conflict: on_conflict.in_api(),
        mapping: Some(mapping),
        unknown_columns: unknown_columns.in_api(),
        defaults: Some(defaults),
        empty_cells: empty_cells.in_api(),
        short_rows: read.short_rows.in_api(),
        encoding: read.encoding.map(TextEncoding::name).map(str::to_owned),
        delimiter: read.delimiter.map(Delimiter::byte).map(|byte| char::from(byte).to_string()),
        header_line: read.header_line.map(HeaderLine::get),
        timezone: values.timezone.map(|zone| zone.to_string()),
        decimal: values.decimal.in_api(),
        sheet,
        dry_run,
    }
}

fn wait_view(action: &ActionRecord) -> Option<WaitView> {
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
    Some(WaitView { code: code.to_owned(), message })
}

/// The file of an action, with a link if one was made.
pub(super) fn file_view(
    action: &ActionRecord,
    download_url: Option<String>,
    kept: &RetentionConfig,
) -> FileView {
    FileView {
        file_name: action.file_name.clone(),
        file_path: action.file_key.clone(),
        file_size: action.uploaded.size_bytes,
        etag: action.uploaded.etag.clone(),
        uploaded_at: action.file_uploaded_at.into(),
        expires_at: Expiry::of_file(action, kept).0.map(Into::into),
        download_url,
    }
}

/// Progress at the time of the read, or at the end or pause of the action.
pub(super) fn progress_view(action: &ActionRecord) -> ProgressView {
    let counts = &action.counts;
    let Progress { success_rate, failure_rate, skip_rate, completion_rate, rows_per_second, eta_seconds } =
        action.progress();
    ProgressView {
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
