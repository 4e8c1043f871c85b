//! Response to the upload that created an action, and to repetitions of that upload.

use api_types::{CreatedView, FileView, ProcessingView};
use axum::http::HeaderName;
use axum::http::header::LOCATION;
use bulk_core::action::ActionStatus;
use bulk_core::config::RetentionConfig;
use bulk_core::db::{ActionRecord, NewAction};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::view::file_view;
use crate::vocabulary::InApi as _;

/// The response for a new action.
pub(super) fn of_new(action: NewAction, created_at: DateTime<Utc>) -> CreatedView {
    let status = if action.scheduled_at.is_some() { ActionStatus::Scheduled } else { ActionStatus::Queued };
    let uploaded = action.uploaded().clone();
    let file = FileView {
        file_name: action.file_name,
        file_path: action.file_key,
        file_size: uploaded.size_bytes,
        etag: uploaded.etag,
        // The action and its file are recorded in one statement, so at the same time.
        uploaded_at: created_at.into(),
        download_url: None,
        // Nothing expires before the action has ended.
        expires_at: None,
    };
    CreatedView {
        id: action.id,
        status: status.in_api(),
        total_entities: action.total_rows,
        scheduled_at: action.scheduled_at.map(Into::into),
        created_at: created_at.into(),
        file,
        processing: processing(action.id, status, action.scheduled_at),
    }
}

/// The response for an action of an earlier request, with its current state.
pub(super) fn of_existing(action: &ActionRecord, kept: &RetentionConfig) -> CreatedView {
    CreatedView {
        id: action.id,
        status: action.status.in_api(),
        total_entities: action.total_rows,
        scheduled_at: action.scheduled_at.map(Into::into),
        created_at: action.created_at.into(),
        processing: processing(action.id, action.status, action.scheduled_at),
        file: file_view(action, None, kept),
    }
}

/// URL of the action.
pub(super) fn location(id: Uuid) -> [(HeaderName, String); 1] {
    [(LOCATION, format!("/bulk-actions/{id}"))]
}

fn processing(job_id: Uuid, status: ActionStatus, scheduled_at: Option<DateTime<Utc>>) -> ProcessingView {
    let message = match (status, scheduled_at) {
        (ActionStatus::Scheduled, Some(at)) => format!("scheduled for {}", at.to_rfc3339()),
        _ => status.to_string(),
    };
    ProcessingView { message, job_id }
}
