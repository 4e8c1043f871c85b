//! Response to the upload that created an action, and to repetitions of that upload.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ActionStatus, FileView, Timestamp};

/// A newly created action.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedView {
    pub id: Uuid,
    pub status: ActionStatus,
    /// Rows of the file.
    pub total_entities: i64,
    #[schema(required)]
    pub scheduled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub file: FileView,
    pub processing: ProcessingView,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingView {
    pub message: String,
    pub job_id: Uuid,
}
