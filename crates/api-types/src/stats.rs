//! Counters of an action.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ActionStatus, Outcome, ProgressView, Timestamp};

/// The counters, read in one statement, so that they are consistent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsView {
    pub id: Uuid,
    /// The action's id again.
    pub action_id: Uuid,
    #[serde(flatten)]
    pub progress: ProgressView,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Data of a progress event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewsView {
    pub status: ActionStatus,
    #[serde(flatten)]
    pub stats: StatsView,
}

/// Data of the last event of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneView {
    pub status: ActionStatus,
    pub outcome: Option<Outcome>,
    #[serde(flatten)]
    pub stats: StatsView,
}
