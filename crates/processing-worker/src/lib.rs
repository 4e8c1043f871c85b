//! The processing worker: claims a chunk, applies its rows in as few set-based statements as possible, stores every
//! row's outcome, and commits records, chunk and counters together.

mod handler;
mod process_chunk;
mod results;

use std::sync::{Arc, Mutex};

use bulk_core::config::Config;
use bulk_core::dependencies::Dependencies;
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::metrics::{CHUNKS, RETRIES};
use bulk_core::worker::{Breaker, Runner, consumer_name};
use worker_host::{Running, host};

use handler::ProcessingHandler;

const SERVICE: &str = "processing-worker";

/// Runs the worker until the shutdown, and completes or hands back its work.
///
/// # Errors
/// [`HostError`](worker_host::HostError) if it cannot start.
pub fn run(config: Config, shutdown: Shutdown) -> Running {
    Box::pin(async move {
        begin_counters_at_zero();
        let port = config.worker.processing_health_port;
        host(&config, SERVICE, port, &shutdown, |dependencies, breaker| {
            work(&config, dependencies, breaker, &shutdown)
        })
        .await
    })
}

/// Starts counters at 0: Prometheus would not see the first failure if a counter first appeared as 1.
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
