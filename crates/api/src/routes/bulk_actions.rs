//! `/bulk-actions…`: one module per thing that can be asked.

mod control;
mod create;
mod created;
mod events;
mod list;
mod logs;
mod results;
mod show;
mod stats;
mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::state::AppState;

/// The routes that answer from a few rows and objects.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/bulk-actions", get(list::list))
        .route("/bulk-actions/{id}", get(show::show))
        .route("/bulk-actions/{id}/stats", get(stats::stats))
        .route("/bulk-actions/{id}/logs", get(logs::logs))
        .route("/bulk-actions/{id}/pause", post(control::pause))
        .route("/bulk-actions/{id}/resume", post(control::resume))
        .route("/bulk-actions/{id}/cancel", post(control::cancel))
        .route("/bulk-actions/{id}/retry", post(control::retry))
}

/// The routes that take as long as their bytes.
pub(crate) fn streaming_router() -> Router<AppState> {
    let create = post(create::create)
        // The upload counts its bytes itself, file and fields apart.
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/bulk-actions", create)
        .route("/bulk-actions/{id}/results", get(results::results))
        .route("/bulk-actions/{id}/events", get(events::events))
}
