//! `GET /metrics` for Prometheus.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::telemetry::{metrics, readings};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Content type of Prometheus' text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Maximum age of gauges that are read from the dependencies. Prometheus scrapes much less often.
const READ_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(render))
}

/// Metrics in Prometheus's text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "service",
    responses((status = 200, description = "The metrics", content_type = "text/plain", body = String)),
)]
async fn render(State(state): State<AppState>) -> Response {
    // Only one request at a time reads the gauges; others show the values of a moment ago.
    if let Ok(mut read_at) = state.gauges_read_at.try_lock()
        && read_at.is_none_or(|at| at.elapsed() >= READ_EVERY)
    {
        readings::read(&state.dependencies).await;
        *read_at = Some(Instant::now());
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics::render()).into_response()
}
