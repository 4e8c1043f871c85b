//! `GET /bulk-actions/{id}`: everything about one action.

use std::time::Duration;

use api_types::ActionView;
use axum::Json;
use axum::extract::State;
use bulk_core::db::ActionRecord;

use super::view::action_view;
use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::OwnedAction;
use crate::state::AppState;

const LINK_VALID_FOR: Duration = Duration::from_secs(3600);

/// Everything about one action, with a link to its file that is valid for an hour.
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
) -> Result<Json<Success<ActionView>>, ApiError> {
    Ok(success("Bulk action", with_link(&state, action).await?))
}

/// The action with a link to its file.
pub(super) async fn with_link(state: &AppState, action: ActionRecord) -> Result<ActionView, ApiError> {
    let link =
        state.dependencies.store.download_url(&action.file_key, &action.file_name, LINK_VALID_FOR).await?;
    Ok(action_view(action, Some(link)))
}
