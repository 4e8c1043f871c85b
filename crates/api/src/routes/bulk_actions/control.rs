//! `POST /bulk-actions/{id}/pause`, `/resume`, `/cancel`, `/retry`: the owner's operations on an action. Each responds
//! with the changed action, or with 409 and the state that does not allow it. A caller without read permission gets no
//! link to the file.

use api_types::ActionView;
use axum::Json;
use axum::extract::State;
use bulk_core::action::ActionStatus;
use bulk_core::db::{self, DbError};
use bulk_core::queue::Job;
use tracing::Span;

use super::show::with_link;
use crate::auth::Caller;
use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::{NO_SUCH_ACTION, TargetAction};
use crate::retention::Expiry;
use crate::state::AppState;

type Answer = Result<Json<Success<ActionView>>, ApiError>;

/// Pauses an action: no further chunk starts until it is resumed.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/pause",
    operation_id = "pauseBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The changed action", body = Success<ActionView>),
        (status = 409, description = "Not in a state that can be paused"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn pause(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    let moved = db::pause_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action paused").await
}

/// Resumes a paused action.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/resume",
    operation_id = "resumeBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The changed action", body = Success<ActionView>),
        (status = 409, description = "Not paused"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn resume(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    let moved = db::resume_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action resumed").await
}

/// Cancels an action. Rows that have an outcome keep it; the rest are `unprocessed`.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/cancel",
    operation_id = "cancelBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The changed action", body = Success<ActionView>),
        (status = 409, description = "The action is already finished"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn cancel(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    let moved = db::cancel_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action cancelled").await
}

/// Retries a failed action: its dead chunks, or its file.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/retry",
    operation_id = "retryBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The changed action", body = Success<ActionView>),
        (status = 409, description = "The action has not failed, or its file has been removed"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn retry(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    require_file_for_retry(&state, &target).await?;
    let moved = db::retry_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action is tried again").await
}

/// Rejects a retry if the file is about to expire. A file that is already removed is rejected later, under the action's
/// lock.
async fn require_file_for_retry(state: &AppState, target: &TargetAction) -> Result<(), ApiError> {
    let found = db::find_action(&state.dependencies.pool, &target.account, target.id).await?;
    let action = found.ok_or(NO_SUCH_ACTION)?;
    let kept = &state.config.retention;
    let expired =
        [("uploaded file", Expiry::of_file(&action, kept)), ("results", Expiry::of_results(&action, kept))];
    match expired.into_iter().find_map(|(what, expiry)| Some((what, expiry.passed()?))) {
        Some((what, since)) if action.status == ActionStatus::Failed => {
            Err(DbError::Gone { what, since }.into())
        }
        _ => Ok(()),
    }
}

fn room(state: &AppState) -> i64 {
    state.config.worker.max_chunks_in_flight_per_account.into()
}

async fn answer(
    state: &AppState,
    caller: &Caller,
    target: &TargetAction,
    moved: Result<Option<Vec<Job>>, DbError>,
    message: &'static str,
) -> Answer {
    Span::current().record("actionId", target.id.to_string());
    let bells = moved?.ok_or(NO_SUCH_ACTION)?;
    tracing::info!("{message}");
    state.ring_later(bells);
    let found = db::find_action(&state.dependencies.pool, &target.account, target.id).await?;
    Ok(success(message, with_link(state, caller, found.ok_or(NO_SUCH_ACTION)?).await?))
}
