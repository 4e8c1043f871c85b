//! `GET /`: what this is and where to go.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bulk_core::config::Environment;
use serde::Serialize;

use crate::envelope::Success;
use crate::state::AppState;

/// The version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

const ENDPOINTS: [&str; 13] = [
    "GET /",
    "GET /health",
    "GET /health/detailed",
    "GET /health/ready",
    "GET /health/live",
    "GET /metrics",
    "POST /bulk-actions",
    "GET /bulk-actions",
    "GET /bulk-actions/{id}",
    "GET /bulk-actions/{id}/stats",
    "GET /bulk-actions/{id}/logs",
    "GET /bulk-actions/{id}/results",
    "GET /entities",
];

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/", get(describe))
}

#[derive(Serialize)]
struct Description {
    name: &'static str,
    version: &'static str,
    environment: Environment,
    endpoints: &'static [&'static str],
}

async fn describe(State(state): State<AppState>) -> Success<Description> {
    let environment = state.config.server.environment;
    let data = Description { name: "bulk-actions", version: VERSION, environment, endpoints: &ENDPOINTS };
    Success::new("Bulk actions on CSV files", data)
}
