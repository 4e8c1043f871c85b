//! While the process finishes what runs, it takes nothing new: callers are sent elsewhere, and health checks can see it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::state::AppState;

/// Refuses a request that comes after the shutdown.
pub(crate) async fn refuse_while_draining(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if state.shutdown.is_cancelled() {
        return ApiError::Unavailable(None).into_response();
    }
    next.run(request).await
}
