//! An action as the upload that created it is answered, and every repeat of that upload.

use axum::http::HeaderName;
use axum::http::header::LOCATION;
use bulk_core::action::ActionStatus;
use bulk_core::config::RetentionConfig;
use bulk_core::db::{ActionRecord, NewAction};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::FileView;
use crate::envelope::Timestamp;
use crate::openapi::ActionStatusName;

/// What an upload has become.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedView {
    id: Uuid,
    #[schema(value_type = ActionStatusName)]
    status: ActionStatus,
    /// Rows of the file.
    total_entities: i64,
    #[schema(required)]
    scheduled_at: Option<Timestamp>,
    created_at: Timestamp,
    file: FileView,
    processing: ProcessingView,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProcessingView {
    message: String,
    job_id: Uuid,
}

impl CreatedView {
    /// An action that was created just now.
    pub(super) fn of_new(action: NewAction, created_at: DateTime<Utc>) -> Self {
        let status =
            if action.scheduled_at.is_some() { ActionStatus::Scheduled } else { ActionStatus::Queued };
        let file = FileView {
            file_name: action.file_name,
            file_path: action.file_key,
            file_size: action.file_size_bytes,
            etag: action.file_etag,
            // The action and its file are recorded in one statement, at one instant.
            uploaded_at: created_at.into(),
            download_url: None,
            // Nothing expires before its action has ended.
            expires_at: None,
        };
        Self {
            id: action.id,
            status,
            total_entities: action.total_rows,
            scheduled_at: action.scheduled_at.map(Timestamp),
            created_at: created_at.into(),
            file,
            processing: ProcessingView::new(action.id, status, action.scheduled_at),
        }
    }

    /// An action that an earlier request created, as it stands now.
    pub(super) fn of_existing(action: &ActionRecord, kept: &RetentionConfig) -> Self {
        Self {
            id: action.id,
            status: action.status,
            total_entities: action.total_rows,
            scheduled_at: action.scheduled_at.map(Timestamp),
            created_at: action.created_at.into(),
            processing: ProcessingView::new(action.id, action.status, action.scheduled_at),
            file: FileView::of(action, None, kept),
        }
    }

    /// Where the action is found.
    pub(super) fn location(&self) -> [(HeaderName, String); 1] {
        [(LOCATION, format!("/bulk-actions/{}", self.id))]
    }
}

impl ProcessingView {
    fn new(job_id: Uuid, status: ActionStatus, scheduled_at: Option<DateTime<Utc>>) -> Self {
        let message = match (status, scheduled_at) {
            (ActionStatus::Scheduled, Some(at)) => format!("scheduled for {}", at.to_rfc3339()),
            _ => status.to_string(),
        };
        Self { message, job_id }
    }
}
