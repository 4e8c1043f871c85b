//! The port of a worker for liveness, readiness and metrics.
//!
//! The port keeps responding while the worker drains, so that orchestrators can see that it is not ready. Draining (in
//! [`WorkerHealth`]) and the end of serving are therefore two different signals.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bulk_core::dependencies::Dependencies;
use bulk_core::health::{Probe, check_all};
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::{metrics, readings};
use bulk_core::worker::Breaker;
use serde_json::json;
use tokio::net::TcpListener;

const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Content type of Prometheus' text format.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The dependencies and signals that make a worker ready or not.
#[derive(Clone)]
pub(crate) struct WorkerHealth {
    pub(crate) probes: Vec<Arc<dyn Probe>>,
    pub(crate) breaker: Breaker,
    /// Triggered once the worker takes no more work.
    pub(crate) draining: Shutdown,
}

impl WorkerHealth {
    /// One sentence per obstacle, such as "database is down"; empty if the worker is ready. Responds within a second or
    /// two. The sentences name no hosts, keys or other internals, because everyone on the network can read them.
    async fn obstacles(&self) -> Vec<String> {
        let draining = self.draining.is_cancelled().then(|| "the worker is draining".to_owned());
        let health = check_all(&self.probes, PROBE_TIMEOUT).await;
        let down =
            health.iter().filter(|(_, health)| !health.healthy).map(|(name, _)| format!("{name} is down"));
        let open = self.breaker.open().into_iter();
        let open = open.map(|name| format!("the circuit of {name} is open: nothing is claimed"));
        draining.into_iter().chain(down).chain(open).collect()
    }
}

/// `GET /health/live` and `/health/ready`.
pub(crate) fn health_routes(health: WorkerHealth) -> Router {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(health)
}

/// `GET /metrics`. Gauges are read when Prometheus asks.
pub(crate) fn metrics_route(dependencies: Dependencies) -> Router {
    Router::new().route("/metrics", get(read_metrics)).with_state(dependencies)
}

/// Serves `routes` until `stopped` is triggered. Port 0 is any free port; the log says which.
///
/// # Errors
/// If the address cannot be bound, or the listener breaks.
pub(crate) async fn serve(address: SocketAddr, routes: Router, stopped: Shutdown) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(port = listener.local_addr()?.port(), "health and metrics are served");
    serve_on(listener, routes, stopped).await
}

/// The same as [`serve`], on a bound listener.
async fn serve_on(listener: TcpListener, routes: Router, stopped: Shutdown) -> io::Result<()> {
    let stop = stopped.clone();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move { stop.cancelled().await });
    // A graceful shutdown would wait for idle keep-alive connections too, which would delay the exit.
    tokio::select! {
        result = serving => result,
        () = stopped.cancelled() => Ok(()),
    }
}

async fn live() -> Response {
    Json(json!({"status": "alive"})).into_response()
}

async fn ready(State(health): State<WorkerHealth>) -> Response {
    let reasons = health.obstacles().await;
    if reasons.is_empty() {
        return Json(json!({"status": "ready"})).into_response();
    }
    let body = Json(json!({"status": "not_ready", "reasons": reasons}));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

async fn read_metrics(State(dependencies): State<Dependencies>) -> Response {
    readings::read(&dependencies).await;
    metrics_response()
}

fn metrics_response() -> Response {
    ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], metrics::render()).into_response()
}

#[cfg(test)]
mod tests;
