//! The chunking worker: reads an uploaded file, checks every row, and cuts it into chunks that the processing workers
//! apply while the reading goes on. It also runs the reconciler, one at a time among all chunking workers.
//!
//! Cutting is a pure function of the file and of settings stored with the action. A chunker that dies is simply run
//! again: it cuts the same chunks, and leaves alone those that are recorded.

mod clean_up;
pub mod dedupe;
mod exact_length;
mod handler;
pub mod partition;
mod pipeline;
mod reconciler;
mod writer;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use bulk_core::config::Config;
use bulk_core::dependencies::Dependencies;
use bulk_core::shutdown::Shutdown;
use bulk_core::worker::{Breaker, Runner, consumer_name};
use worker_http::{HostError, host};

use handler::ChunkingHandler;
use reconciler::Reconciler;

const SERVICE: &str = "chunking-worker";

/// Runs the worker until the shutdown, and finishes or hands back what it holds.
///
/// # Errors
/// [`HostError`] when it cannot start.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), HostError> {
    let port = config.worker.chunking_health_port;
    host(&config, SERVICE, port, &shutdown, |dependencies, breaker| {
        work(&config, dependencies, breaker, &shutdown)
    })
    .await
}

async fn work(config: &Config, dependencies: Dependencies, breaker: Breaker, shutdown: &Shutdown) {
    let consumer = consumer_name(SERVICE);
    let reconciler = Reconciler::new(dependencies.clone(), config, breaker.clone());
    let handler = ChunkingHandler {
        dependencies: dependencies.clone(),
        owner: consumer.clone(),
        config: config.clone(),
        shutdown: shutdown.clone(),
        served: Mutex::default(),
        large_files: AtomicUsize::new(0),
    };
    let runner = Runner {
        queue: dependencies.queue,
        consumer,
        handler: Arc::new(handler),
        concurrency: config.worker.chunking_concurrency,
        breaker,
        shutdown: shutdown.clone(),
        patience: config.server.shutdown_timeout,
    };
    tokio::join!(runner.run(), reconciler.run(shutdown));
}
