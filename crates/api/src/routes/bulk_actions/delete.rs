//! `DELETE /bulk-actions/{id}`: deletes a finished action with its file and results.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use bulk_core::{db, removal};
use serde::Serialize;
use tracing::{Instrument, Span};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::{NO_SUCH_ACTION, TargetAction};
use crate::state::AppState;

/// Time that the response waits for the removal of the objects. The action is already deleted then.
const PATIENCE: Duration = Duration::from_secs(10);

/// A deleted action.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletedView {
    id: Uuid,
    /// True if file and results are removed from storage. If false, they are removed later in the background and cannot
    /// be accessed meanwhile.
    files_removed: bool,
}

/// Deletes a finished action with its file and results. The records that it created or changed are kept.
#[utoipa::path(
    delete,
    path = "/bulk-actions/{id}",
    operation_id = "deleteBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The action is deleted; its id is unknown from now on", body = Success<DeletedView>),
        (status = 409, description = "The action is unfinished: cancel it first"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    target: TargetAction,
) -> Result<Json<Success<DeletedView>>, ApiError> {
    Span::current().record("actionId", target.id.to_string());
    let decided = db::delete_action(&state.dependencies.pool, &target.account, target.id).await?;
    let decided = decided.ok_or(NO_SUCH_ACTION)?;
    tracing::info!("Bulk action deleted");
    let dependencies = state.dependencies.clone();
    // In its own task, so that a client that disconnects does not stop it. If the process dies, the clean-up continues.
    let removing = state.running.spawn(
        async move {
            removal::carry_out(&dependencies, &decided).await.unwrap_or_else(|error| {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "objects could not be removed; the clean-up will remove them"
                );
                false
            })
        }
        .in_current_span(),
    );
    let files_removed = matches!(tokio::time::timeout(PATIENCE, removing).await, Ok(Ok(true)));
    Ok(success("Bulk action deleted", DeletedView { id: target.id, files_removed }))
}
