//! `GET /bulk-actions/{id}`: everything about one action.

use std::time::Duration;

use axum::extract::State;
use bulk_core::db::ActionRecord;
use chrono::Utc;

use super::view::ActionView;
use crate::envelope::Success;
use crate::error::ApiError;
use crate::extract::OwnedAction;
use crate::retention::Expiry;
use crate::state::AppState;

const LINK_VALID_FOR: Duration = Duration::from_secs(3600);

/// Everything about one action, with a link to its file that is valid for an hour, while the file is kept.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}",
    operation_id = "getBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses((status = 200, description = "The action", body = Success<ActionView>)),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn show(
    State(state): State<AppState>,
    OwnedAction(action): OwnedAction,
) -> Result<Success<ActionView>, ApiError> {
    Ok(Success::new("Bulk action", with_link(&state, action).await?))
}

/// The action with a link to its file, while that is kept.
pub(super) async fn with_link(state: &AppState, action: ActionRecord) -> Result<ActionView, ApiError> {
    let kept = &state.config.retention;
    let expires_at = Expiry::of_file(&action, kept).0;
    // A link is no way to a file whose time is over.
    let left = expires_at.map_or(LINK_VALID_FOR, |at| (at - Utc::now()).to_std().unwrap_or_default());
    let valid_for = left.min(LINK_VALID_FOR);
    if valid_for < Duration::from_secs(1) {
        return Ok(ActionView::new(action, None, kept));
    }
    let link = state.dependencies.store.download_url(&action.file_key, &action.file_name, valid_for).await?;
    Ok(ActionView::new(action, Some(link), kept))
}
