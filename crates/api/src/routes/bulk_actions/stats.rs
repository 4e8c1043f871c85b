//! `GET /bulk-actions/{id}/stats`: the counters.

use bulk_core::db::ActionRecord;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::ProgressView;
use crate::envelope::{Success, Timestamp};
use crate::extract::OwnedAction;

/// The counters, read in one statement, so that they fit one another.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatsView {
    id: Uuid,
    /// The same id.
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

/// The counters, exact at every moment: processed = successful + failed + skipped, and equal to total at the end.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/stats",
    operation_id = "getBulkActionStats",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses((status = 200, description = "The counters", body = Success<StatsView>)),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn stats(OwnedAction(action): OwnedAction) -> Success<StatsView> {
    Success::new("Bulk action statistics", StatsView::of(&action))
}
