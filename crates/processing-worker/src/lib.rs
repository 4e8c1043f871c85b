//! The processing worker: claims a chunk, applies its rows in one set-based statement (or as few as they allow), stores
//! every row's outcome, and commits records, chunk and counters together.

mod handler;
mod process_chunk;
mod results;

use std::sync::{Arc, Mutex};

use bulk_core::config::Config;
use bulk_core::dependencies::Dependencies;
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::metrics::{CHUNKS, RETRIES};
use bulk_core::worker::{Breaker, Runner, consumer_name};
use worker_http::{HostError, host};

use handler::ProcessingHandler;

const SERVICE: &str = "processing-worker";

/// Runs the worker until the shutdown, and finishes or hands back what it holds.
///
/// # Errors
/// [`HostError`] when it cannot start.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), HostError> {
    begin_counters_at_zero();
    let port = config.worker.processing_health_port;
    host(&config, SERVICE, port, &shutdown, |dependencies, breaker| {
        work(&config, dependencies, breaker, &shutdown)
    })
    .await
}

/// A counter that first appears as 1 has not grown for Prometheus, so the first failure would go unseen.
fn begin_counters_at_zero() {
    for result in ["done", "failed", "dead", "left", "handed_back", "contended"] {
        metrics::counter!(CHUNKS, "result" => result).increment(0);
    }
    metrics::counter!(RETRIES).increment(0);
}

async fn work(config: &Config, dependencies: Dependencies, breaker: Breaker, shutdown: &Shutdown) {
    let consumer = consumer_name(SERVICE);
    let handler = ProcessingHandler {
        dependencies: dependencies.clone(),
        owner: consumer.clone(),
        config: config.worker.clone(),
        shutdown: shutdown.clone(),
        patience: config.server.shutdown_timeout,
        served: Mutex::default(),
    };
    let runner = Runner {
        queue: dependencies.queue,
        consumer,
        handler: Arc::new(handler),
        concurrency: config.worker.processing_concurrency,
        breaker,
        shutdown: shutdown.clone(),
        patience: config.server.shutdown_timeout,
    };
    runner.run().await;
}
