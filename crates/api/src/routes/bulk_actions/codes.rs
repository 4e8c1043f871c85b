//! `GET /bulk-actions/{id}/codes`: number of rows by code.

use api_types::CodeCount;
use axum::Json;
use axum::extract::State;
use bulk_core::db;

use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::OwnedAction;
use crate::state::AppState;

/// Counts the rows by code, so far.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/codes",
    operation_id = "getBulkActionCodes",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses((status = 200, description = "Rows by code", body = Success<Vec<CodeCount>>)),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn codes(
    State(state): State<AppState>,
    OwnedAction(action): OwnedAction,
) -> Result<Json<Success<Vec<CodeCount>>>, ApiError> {
    let _turn = state.shares.questions.take(&action.account_id).await?;
    let counted = db::code_counts(&state.dependencies.pool, action.id).await?;
    let counts = counted.into_iter().map(|(code, rows)| CodeCount { code, rows }).collect();
    Ok(success("Rows by code", counts))
}
