//! `GET /bulk-actions/{id}/stats`: the counters.

use api_types::StatsView;
use axum::Json;
use bulk_core::db::ActionRecord;

use super::view::progress_view;
use crate::envelope::{Success, success};
use crate::extract::OwnedAction;

/// The counters of an action.
pub(super) fn stats_view(action: &ActionRecord) -> StatsView {
    StatsView {
        id: action.id,
        action_id: action.id,
        progress: progress_view(action),
        created_at: action.created_at.into(),
        updated_at: action.updated_at.into(),
    }
}

/// Shows the counters, exact at any time: processed = successful + failed + skipped, and equal to total at the end.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/stats",
    operation_id = "getBulkActionStats",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses((status = 200, description = "The counters", body = Success<StatsView>)),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn stats(OwnedAction(action): OwnedAction) -> Json<Success<StatsView>> {
    success("Bulk action statistics", stats_view(&action))
}
