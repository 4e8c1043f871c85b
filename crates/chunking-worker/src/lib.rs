//! The chunking worker: reads an uploaded file, checks every row, and cuts it into chunks that the processing workers
//! apply while the reading goes on. It also runs the reconciler, one at a time among all chunking workers.
//!
//! Cutting is a pure function of the file and of settings stored with the action. A chunker that dies is simply run
//! again: it cuts the same chunks, and leaves alone those that are recorded.

mod dedupe;
mod handler;
mod partition;
mod pipeline;
mod reconciler;
mod writer;

use std::sync::Arc;

use bulk_core::config::Config;
use bulk_core::dependencies::{Dependencies, DependencyError};
use bulk_core::shutdown::Shutdown;
use bulk_core::worker::{Breaker, Runner, consumer_name};
use thiserror::Error;

use handler::ChunkingHandler;
use reconciler::Reconciler;

/// Why the worker could not start or had to end.
#[derive(Debug, Error)]
pub enum RunError {
    /// Something it stands on cannot be used.
    #[error(transparent)]
    Dependency(#[from] DependencyError),
    /// Its health port cannot be served.
    #[error(transparent)]
    Health(#[from] worker_http::ServeError),
}

/// Runs the worker until the shutdown, and finishes or hands back what it holds.
///
/// # Errors
/// [`RunError`] when it cannot start.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), RunError> {
    let dependencies = Dependencies::open(&config, "chunking-worker")?;
    let breaker = Breaker::new(dependencies.probes());
    let health = worker_http::WorkerHealth::new(dependencies.probes(), breaker.clone(), shutdown.clone());
    let health = worker_http::serve(config.worker.chunking_health_port, health, shutdown.clone());
    let work = async {
        dependencies.ready(&shutdown).await?;
        work(&config, dependencies, breaker, &shutdown).await;
        Ok(())
    };
    tokio::try_join!(async { health.await.map_err(RunError::from) }, work)?;
    Ok(())
}

async fn work(config: &Config, dependencies: Dependencies, breaker: Breaker, shutdown: &Shutdown) {
    let consumer = consumer_name("chunking-worker");
    let reconciler = Reconciler::new(dependencies.clone(), config.worker.clone(), breaker.clone());
    let handler = ChunkingHandler {
        dependencies: dependencies.clone(),
        owner: consumer.clone(),
        config: config.clone(),
        shutdown: shutdown.clone(),
    };
    let runner = Runner {
        queue: dependencies.queue,
        consumer,
        handler: Arc::new(handler),
        concurrency: config.worker.chunking_concurrency,
        breaker,
        shutdown: shutdown.clone(),
    };
    tokio::join!(runner.run(), reconciler.run(shutdown));
}
