//! `GET /metrics` for Prometheus.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bulk_core::telemetry::metrics as registry;

use crate::state::AppState;

/// What Prometheus expects of its text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(render))
}

async fn render(State(state): State<AppState>) -> Response {
    let pool = &state.dependencies.pool;
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    let used = pool.size().saturating_sub(idle);
    metrics::gauge!(registry::DB_POOL_CONNECTIONS, "state" => "idle").set(idle);
    metrics::gauge!(registry::DB_POOL_CONNECTIONS, "state" => "used").set(used);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], registry::render()).into_response()
}
