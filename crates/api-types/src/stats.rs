//! The counters of an action.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ActionStatus, Outcome, ProgressView, Timestamp};

/// The counters, read in one statement, so that they fit one another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsView {
    pub id: Uuid,
    /// The same id.
    pub action_id: Uuid,
    #[serde(flatten)]
    pub progress: ProgressView,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The data of an event while the action runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewsView {
    pub status: ActionStatus,
    #[serde(flatten)]
    pub stats: StatsView,
}

/// The data of an event stream's last event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneView {
    pub status: ActionStatus,
    pub outcome: Option<Outcome>,
    #[serde(flatten)]
    pub stats: StatsView,
}
