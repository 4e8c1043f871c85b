//! `POST /bulk-actions/{id}/pause`, `/resume`, `/cancel`, `/retry`: what an owner does to an action. Each answers with the
//! action as it is afterwards, or with 409 and the state that does not allow it.

use axum::extract::State;
use bulk_core::db::{self, Bell, DbError};
use tracing::Span;

use super::show::with_link;
use super::view::ActionView;
use crate::envelope::Success;
use crate::error::ApiError;
use crate::extract::{NO_SUCH_ACTION, TargetAction};
use crate::state::AppState;

type Answer = Result<Success<ActionView>, ApiError>;

pub(super) async fn pause(State(state): State<AppState>, target: TargetAction) -> Answer {
    let moved = db::pause_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &target, moved, "Bulk action paused").await
}

pub(super) async fn resume(State(state): State<AppState>, target: TargetAction) -> Answer {
    let moved = db::resume_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &target, moved, "Bulk action resumed").await
}

pub(super) async fn cancel(State(state): State<AppState>, target: TargetAction) -> Answer {
    let moved = db::cancel_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &target, moved, "Bulk action cancelled").await
}

pub(super) async fn retry(State(state): State<AppState>, target: TargetAction) -> Answer {
    let moved = db::retry_action(&state.dependencies.pool, &target.account, target.id, room(&state)).await;
    answer(&state, &target, moved, "Bulk action is tried again").await
}

fn room(state: &AppState) -> i64 {
    state.config.worker.max_chunks_in_flight_per_account.into()
}

async fn answer(
    state: &AppState,
    target: &TargetAction,
    moved: Result<Option<Vec<Bell>>, DbError>,
    message: &'static str,
) -> Answer {
    Span::current().record("actionId", target.id.to_string());
    let bells = moved?.ok_or(NO_SUCH_ACTION)?;
    tracing::info!("{message}");
    state.ring_later(bells);
    let found = db::find_action(&state.dependencies.pool, &target.account, target.id).await?;
    Ok(Success::new(message, with_link(state, found.ok_or(NO_SUCH_ACTION)?).await?))
}
