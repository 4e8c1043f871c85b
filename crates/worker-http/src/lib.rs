//! What orchestrators and Prometheus ask a worker: is it alive, is it ready, what are its numbers.
//!
//! It goes on answering while the worker drains, because "not ready" has to be seen by whoever routes work; that is why
//! draining (in [`WorkerHealth`]) and the end of serving are two different signals.

mod command;
mod host;

pub use command::Command;
pub use host::{HostError, host};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::metrics;
use serde_json::json;
use tokio::net::TcpListener;

/// What Prometheus expects of its text format.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Tells what keeps a worker from working.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// One sentence per obstacle, such as "database is down"; none if the worker is ready. It answers within a second
    /// or two, and names no hosts, keys or other internals: everyone on the network can read it.
    async fn obstacles(&self) -> Vec<String>;

    /// Brings the gauges up to date that are read when Prometheus asks.
    async fn read_gauges(&self);
}

/// The worker as its health routes see it.
#[derive(Clone)]
pub struct WorkerHealth {
    readiness: Arc<dyn Readiness>,
    draining: Shutdown,
}

impl WorkerHealth {
    /// A worker that is not ready while `readiness` names obstacles, or once `draining` is triggered.
    pub fn new(readiness: Arc<dyn Readiness>, draining: Shutdown) -> Self {
        Self { readiness, draining }
    }
}

/// Serves `GET /health/live`, `/health/ready` and `/metrics` until `stopped` is triggered. Port 0 is any free port; the log
/// says which.
///
/// # Errors
/// The address cannot be bound, or the listener breaks.
pub async fn serve(address: SocketAddr, health: WorkerHealth, stopped: Shutdown) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(port = listener.local_addr()?.port(), "health and metrics are served");
    serve_on(listener, health, stopped).await
}

/// As [`serve`], on a listener that is bound already.
///
/// # Errors
/// The listener breaks.
pub async fn serve_on(listener: TcpListener, health: WorkerHealth, stopped: Shutdown) -> io::Result<()> {
    let stop = stopped.clone();
    let serving =
        axum::serve(listener, router(health)).with_graceful_shutdown(async move { stop.cancelled().await });
    // Graceful waits for idle keep-alive connections too, which would hold up the process; these answers are not worth it.
    tokio::select! {
        result = serving => result,
        () = stopped.cancelled() => Ok(()),
    }
}

fn router(health: WorkerHealth) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(render_metrics))
        .with_state(health)
}

async fn live() -> Response {
    Json(json!({"status": "alive"})).into_response()
}

async fn ready(State(health): State<WorkerHealth>) -> Response {
    let mut reasons = health.readiness.obstacles().await;
    if health.draining.is_cancelled() {
        reasons.insert(0, "the worker is draining".to_owned());
    }
    if reasons.is_empty() {
        return Json(json!({"status": "ready"})).into_response();
    }
    let body = Json(json!({"status": "not_ready", "reasons": reasons}));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

async fn render_metrics(State(health): State<WorkerHealth>) -> Response {
    health.readiness.read_gauges().await;
    ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], metrics::render()).into_response()
}

#[cfg(test)]
mod tests;
