//! The chunking worker: reads an uploaded file, checks every row, and cuts it into chunks, which the processing workers
//! apply while reading continues. It also runs the reconciler; one chunking worker at a time leads it.
//!
//! Cutting is a pure function of the file and of settings stored with the action. After a chunker dies the file is cut
//! again: the chunks are the same, and recorded ones are kept.

mod chunk_file;
mod clean_up;
pub mod dedupe;
mod exact_length;
mod handler;
pub mod partition;
mod reconciler;
mod writer;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use bulk_core::config::Config;
use bulk_core::dependencies::Dependencies;
use bulk_core::shutdown::Shutdown;
use bulk_core::worker::{Breaker, Runner, consumer_name};
use worker_host::{Running, host};

use handler::ChunkingHandler;
use reconciler::Reconciler;

const SERVICE: &str = "chunking-worker";

/// Runs the worker until the shutdown, and completes or hands back its work.
///
/// # Errors
/// [`HostError`](worker_host::HostError) if it cannot start.
pub fn run(config: Config, shutdown: Shutdown) -> Running {
    Box::pin(async move {
        let port = config.worker.chunking_health_port;
        host(&config, SERVICE, port, &shutdown, |dependencies, breaker| {
            work(&config, dependencies, breaker, &shutdown)
        })
        .await
    })
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
