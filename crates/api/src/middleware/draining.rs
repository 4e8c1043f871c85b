//! Rejects new requests during shutdown while running ones complete, so that clients go to another instance and health
//! checks see the state.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::state::AppState;

/// Rejects a request that arrives after the shutdown signal.
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
