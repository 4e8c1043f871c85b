//! `GET /health…`: health of the service and its dependencies. These responses have their fields at the top level
//! instead of under `data`, because probes and dashboards look for `status` there.

use std::collections::BTreeMap;

use api_types::{Alive, Answer, Check, Detailed, Services};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bulk_core::health::{DependencyHealth, resident_memory_bytes, uptime};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::root::VERSION;
use crate::envelope::{ErrorBody, Timestamp};
use crate::health::Findings;
use crate::state::AppState;
use crate::trace;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(detailed))
        .routes(routes!(ready))
        .routes(routes!(live))
}

/// 200 with `status`.
fn well<T: Serialize>(status: &str, found: T) -> Response {
    answer(StatusCode::OK, "Everything works", status, found)
}

/// 503 with `status`, as an error of code `unavailable`.
fn unwell<T: Serialize>(message: &str, status: &str, found: T) -> Response {
    answer(StatusCode::SERVICE_UNAVAILABLE, message, status, found)
}

fn answer<T: Serialize>(code: StatusCode, message: &str, status: &str, found: T) -> Response {
    let success = code.is_success();
    let body = Answer {
        success,
        message: message.to_owned(),
        error: (!success).then(|| ErrorBody { code: "unavailable".to_owned(), details: Vec::new() }),
        status: status.to_owned(),
        version: VERSION.to_owned(),
        found,
        timestamp: Timestamp::now(),
        trace_id: trace::current().trace_id(),
    };
    (code, Json(body)).into_response()
}

fn services(findings: &Findings) -> Services {
    Services { services: findings.iter().map(|(name, health)| (name.to_owned(), health.healthy)).collect() }
}

/// Shows the health of the service. Always 200, since the process itself responds; `status` and the booleans describe
/// the dependencies.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "getHealth",
    tag = "service",
    responses(
        (status = 200, description = "The service responds", body = Answer<Services>),
    ),
)]
async fn overview(State(state): State<AppState>) -> Response {
    let findings = state.health.latest();
    let services = services(&findings);
    if findings.all_healthy() {
        well("healthy", services)
    } else {
        answer(StatusCode::OK, "A dependency is down", "unhealthy", services)
    }
}

/// Readiness: tells whether requests should be sent to this instance.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getReadiness",
    tag = "service",
    responses(
        (status = 200, description = "The service responds", body = Answer<Services>),
        (status = 503, description = "A dependency is down, or the process is shutting down", body = Answer<Services>),
    ),
)]
async fn ready(State(state): State<AppState>) -> Response {
    let findings = state.health.latest();
    let services = services(&findings);
    if state.shutdown.is_cancelled() {
        unwell("The service is draining", "draining", services)
    } else if findings.all_healthy() {
        well("ready", services)
    } else {
        unwell("A dependency is down", "not_ready", services)
    }
}

/// Liveness: tells whether the process responds.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getLiveness",
    tag = "service",
    responses(
        (status = 200, description = "The service responds", body = Answer<Alive>),
    ),
)]
async fn live() -> Response {
    well("alive", Alive {})
}

/// Probes each dependency now. Concurrent requests share the result.
#[utoipa::path(
    get,
    path = "/health/detailed",
    operation_id = "getHealthInDetail",
    tag = "service",
    responses(
        (status = 200, description = "The service responds", body = Answer<Detailed>),
        (status = 503, description = "A dependency is down", body = Answer<Detailed>),
    ),
)]
async fn detailed(State(state): State<AppState>) -> Response {
    let findings = state.health.ask().await;
    let mut checks: BTreeMap<_, _> =
        findings.iter().map(|(name, health)| (name.to_owned(), dependency(name, health))).collect();
    checks.insert(
        "memory".to_owned(),
        Check::Memory { healthy: true, resident_bytes: resident_memory_bytes() },
    );
    checks.insert("uptime".to_owned(), Check::Uptime { healthy: true, seconds: uptime().as_secs() });
    if findings.all_healthy() {
        well("healthy", Detailed { checks })
    } else {
        unwell("A dependency is down", "unhealthy", Detailed { checks })
    }
}

fn dependency(name: &str, health: &DependencyHealth) -> Check {
    Check::Dependency {
        healthy: health.healthy,
        response_time: (health.response_time_ms * 100.0).round() / 100.0,
        // The probe of object storage checks the bucket.
        bucket_exists: (name == "minio").then_some(health.healthy),
    }
}
