//! `GET /metrics` for Prometheus.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::telemetry::{metrics, readings};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// What Prometheus expects of its text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How old the gauges that are read from the dependencies may be. Prometheus asks far less often.
const READ_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(render))
}

/// Measurements in Prometheus's text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "service",
    responses((status = 200, description = "The measurements", content_type = "text/plain", body = String)),
)]
async fn render(State(state): State<AppState>) -> Response {
    // Only one at a time asks; the others show what was read a moment ago.
    if let Ok(mut read_at) = state.gauges_read_at.try_lock()
        && read_at.is_none_or(|at| at.elapsed() >= READ_EVERY)
    {
        readings::read(&state.dependencies).await;
        *read_at = Some(Instant::now());
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics::render()).into_response()
}
