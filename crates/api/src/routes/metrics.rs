//! `GET /metrics` for Prometheus.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bulk_core::telemetry::{metrics, readings};

use crate::state::AppState;

/// What Prometheus expects of its text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(render))
}

async fn render(State(state): State<AppState>) -> Response {
    readings::read(&state.dependencies).await;
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics::render()).into_response()
}
