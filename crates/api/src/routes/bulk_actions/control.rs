//! `POST /bulk-actions/{id}/pause`, `/resume`, `/cancel`, `/retry`: what an owner does to an action. Each answers with the
//! action as it is afterwards, or with 409 and the state that does not allow it. Whoever may only write gets no link to the
//! file with it.

use api_types::ActionView;
use axum::Json;
use axum::extract::State;
use bulk_core::action::ActionStatus;
use bulk_core::db::{self, Bell, DbError};
use tracing::Span;

use super::show::with_link;
use crate::auth::Caller;
use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::{NO_SUCH_ACTION, TargetAction};
use crate::retention::Expiry;
use crate::state::AppState;

type Answer = Result<Json<Success<ActionView>>, ApiError>;

/// Holds an action: no further chunk begins until it is resumed.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/pause",
    operation_id = "pauseBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The action as it is now", body = Success<ActionView>),
        (status = 409, description = "Not in a state that can be paused"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn pause(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    let moved = db::pause_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action paused").await
}

/// Lets a paused action go on.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/resume",
    operation_id = "resumeBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The action as it is now", body = Success<ActionView>),
        (status = 409, description = "Not paused"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn resume(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    let moved = db::resume_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action resumed").await
}

/// Stops an action for good. Rows that have an outcome keep it; the rest is `unprocessed`.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/cancel",
    operation_id = "cancelBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The action as it is now", body = Success<ActionView>),
        (status = 409, description = "Over already"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn cancel(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    let moved = db::cancel_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action cancelled").await
}

/// Tries again what was given up on, of an action that failed or has dead chunks.
#[utoipa::path(
    post,
    path = "/bulk-actions/{id}/retry",
    operation_id = "retryBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The action as it is now", body = Success<ActionView>),
        (status = 409, description = "Nothing of it can be tried again, or its file has been removed"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn retry(State(state): State<AppState>, caller: Caller, target: TargetAction) -> Answer {
    let _turn = state.shares.questions.take(&target.account).await?;
    require_file_for_retry(&state, &target).await?;
    let moved = db::retry_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &caller, &target, moved, "Bulk action is tried again").await
}

/// Refuses to try again what is about to expire: what has been removed is refused where the action is locked.
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
    moved: Result<Option<Vec<Bell>>, DbError>,
    message: &'static str,
) -> Answer {
    Span::current().record("actionId", target.id.to_string());
    let bells = moved?.ok_or(NO_SUCH_ACTION)?;
    tracing::info!("{message}");
    state.ring_later(bells);
    let found = db::find_action(&state.dependencies.pool, &target.account, target.id).await?;
    Ok(success(message, with_link(state, caller, found.ok_or(NO_SUCH_ACTION)?).await?))
}
