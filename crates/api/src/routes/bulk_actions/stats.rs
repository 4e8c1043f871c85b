//! `GET /bulk-actions/{id}/stats`: the counters.

use bulk_core::db::ActionRecord;
use serde::Serialize;
use uuid::Uuid;

use super::view::ProgressView;
use crate::envelope::{Success, Timestamp};
use crate::extract::OwnedAction;

/// The counters, read in one statement, so that they fit one another.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatsView {
    id: Uuid,
    action_id: Uuid,
    #[serde(flatten)]
    progress: ProgressView,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl StatsView {
    /// The counters of an action.
    pub(super) fn of(action: &ActionRecord) -> Self {
        Self {
            id: action.id,
            action_id: action.id,
            progress: ProgressView::of(action),
            created_at: action.created_at.into(),
            updated_at: action.updated_at.into(),
        }
    }
}

pub(super) async fn stats(OwnedAction(action): OwnedAction) -> Success<StatsView> {
    Success::new("Bulk action statistics", StatsView::of(&action))
}
