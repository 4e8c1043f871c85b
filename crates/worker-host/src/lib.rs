//! The shared frame of both workers: the process, its dependencies, and the port for liveness, readiness and metrics.
//!
//! The port keeps responding while the worker drains, so that orchestrators can see that it is not ready. Draining (in
//! [`WorkerHealth`]) and the end of serving are therefore two different signals.

mod host;
mod process;

pub use host::{HostError, host};
pub use process::{Running, Service, main};

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

/// Content type of Prometheus' text format.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Reports the obstacles that keep a worker from working.
#[async_trait]
trait Readiness: Send + Sync {
    /// One sentence per obstacle, such as "database is down"; empty if the worker is ready. Responds within a second or
    /// two. The sentences name no hosts, keys or other internals, because everyone on the network can read them.
    async fn obstacles(&self) -> Vec<String>;

    /// Updates the gauges that are read at scrape time.
    async fn read_gauges(&self);
}

/// The worker as seen by its health routes.
#[derive(Clone)]
struct WorkerHealth {
    readiness: Arc<dyn Readiness>,
    draining: Shutdown,
}

impl WorkerHealth {
    /// A worker that is not ready while `readiness` reports obstacles, or once `draining` is triggered.
    fn new(readiness: Arc<dyn Readiness>, draining: Shutdown) -> Self {
        Self { readiness, draining }
    }
}

/// Serves `GET /health/live`, `/health/ready` and `/metrics` until `stopped` is triggered. Port 0 is any free port; the log
/// says which.
///
/// # Errors
/// If the address cannot be bound, or the listener breaks.
async fn serve(address: SocketAddr, health: WorkerHealth, stopped: Shutdown) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(port = listener.local_addr()?.port(), "health and metrics are served");
    serve_on(listener, health, stopped).await
}

/// The same as [`serve`], on a bound listener.
///
/// # Errors
/// If the listener breaks.
async fn serve_on(listener: TcpListener, health: WorkerHealth, stopped: Shutdown) -> io::Result<()> {
    let stop = stopped.clone();
    let serving =
        axum::serve(listener, router(health)).with_graceful_shutdown(async move { stop.cancelled().await });
    // A graceful shutdown would wait for idle keep-alive connections too, which would delay the exit.
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
