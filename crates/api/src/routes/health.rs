//! `GET /health…`: is the service well, and what of it is not. These answers have their fields beside the envelope's and
//! not under `data`, because probes and dashboards look for `status` at the top.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bulk_core::health::{DependencyHealth, resident_memory_bytes, uptime};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

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

/// How the service is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Answer<T> {
    success: bool,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
    /// `healthy`, `unhealthy`, `ready`, `not_ready`, `draining` or `alive`.
    #[schema(example = "healthy")]
    status: &'static str,
    version: &'static str,
    #[serde(flatten)]
    found: T,
    timestamp: Timestamp,
    trace_id: Uuid,
}

impl<T: Serialize> Answer<T> {
    /// 200 with `status`.
    fn well(status: &'static str, found: T) -> Response {
        Self::answer(StatusCode::OK, "Everything works", status, found)
    }

    /// 503 with `status`, as an error of code `unavailable`.
    fn unwell(message: &'static str, status: &'static str, found: T) -> Response {
        Self::answer(StatusCode::SERVICE_UNAVAILABLE, message, status, found)
    }

    fn answer(code: StatusCode, message: &'static str, status: &'static str, found: T) -> Response {
        let success = code.is_success();
        let error = (!success).then(|| ErrorBody { code: "unavailable", details: Vec::new() });
        let trace_id = trace::current().trace_id();
        let timestamp = Timestamp::now();
        (code, Json(Self { success, message, error, status, version: VERSION, found, timestamp, trace_id }))
            .into_response()
    }
}

/// Which dependencies are well.
#[derive(Serialize, ToSchema)]
struct Services {
    services: BTreeMap<&'static str, bool>,
}

impl Services {
    fn of(findings: &Findings) -> Self {
        Self { services: findings.iter().map(|(name, health)| (name, health.healthy)).collect() }
    }
}

/// How the service is: always 200, since the process itself answers; `status` and the booleans say how its dependencies are.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "getHealth",
    tag = "service",
    responses(
        (status = 200, description = "The service answers", body = Answer<Services>),
    ),
)]
async fn overview(State(state): State<AppState>) -> Response {
    let findings = state.health.latest();
    let services = Services::of(&findings);
    if findings.all_healthy() {
        Answer::well("healthy", services)
    } else {
        Answer::answer(StatusCode::OK, "A dependency is down", "unhealthy", services)
    }
}

/// Whether requests should be sent here.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getReadiness",
    tag = "service",
    responses(
        (status = 200, description = "The service answers", body = Answer<Services>),
        (status = 503, description = "A dependency is down, or the process is about to end", body = Answer<Services>),
    ),
)]
async fn ready(State(state): State<AppState>) -> Response {
    let findings = state.health.latest();
    let services = Services::of(&findings);
    if state.shutdown.is_cancelled() {
        Answer::unwell("The service is draining", "draining", services)
    } else if findings.all_healthy() {
        Answer::well("ready", services)
    } else {
        Answer::unwell("A dependency is down", "not_ready", services)
    }
}

/// Nothing but that the process answers.
#[derive(Serialize, ToSchema)]
struct Alive {}

/// Whether the process answers at all.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getLiveness",
    tag = "service",
    responses(
        (status = 200, description = "The service answers", body = Answer<Alive>),
    ),
)]
async fn live() -> Response {
    Answer::well("alive", Alive {})
}

/// What was asked of each dependency just now.
#[derive(Serialize, ToSchema)]
struct Detailed {
    checks: BTreeMap<&'static str, Check>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Check {
    #[serde(rename_all = "camelCase")]
    Dependency {
        healthy: bool,
        /// Milliseconds.
        response_time: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        bucket_exists: Option<bool>,
    },
    #[serde(rename_all = "camelCase")]
    Memory {
        healthy: bool,
        #[schema(required)]
        resident_bytes: Option<u64>,
    },
    #[serde(rename_all = "camelCase")]
    Uptime { healthy: bool, seconds: u64 },
}

/// Asks each dependency now; who comes while they are asked shares the answer.
#[utoipa::path(
    get,
    path = "/health/detailed",
    operation_id = "getHealthInDetail",
    tag = "service",
    responses(
        (status = 200, description = "The service answers", body = Answer<Detailed>),
        (status = 503, description = "A dependency is down", body = Answer<Detailed>),
    ),
)]
async fn detailed(State(state): State<AppState>) -> Response {
    let findings = state.health.ask().await;
    let mut checks: BTreeMap<_, _> =
        findings.iter().map(|(name, health)| (name, dependency(name, health))).collect();
    checks.insert("memory", Check::Memory { healthy: true, resident_bytes: resident_memory_bytes() });
    checks.insert("uptime", Check::Uptime { healthy: true, seconds: uptime().as_secs() });
    if findings.all_healthy() {
        Answer::well("healthy", Detailed { checks })
    } else {
        Answer::unwell("A dependency is down", "unhealthy", Detailed { checks })
    }
}

fn dependency(name: &str, health: &DependencyHealth) -> Check {
    Check::Dependency {
        healthy: health.healthy,
        response_time: (health.response_time_ms * 100.0).round() / 100.0,
        // The probe of object storage looks for the bucket.
        bucket_exists: (name == "minio").then_some(health.healthy),
    }
}
