//! `GET /metrics` for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::telemetry::{metrics, readings};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// What Prometheus expects of its text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

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
    readings::read(&state.dependencies).await;
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics::render()).into_response()
}
