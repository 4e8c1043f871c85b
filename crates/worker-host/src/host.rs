//! The frame around a worker: opens the dependencies, serves the health port from the first moment, waits for the
//! database and the bucket, runs the work, and stops serving last.

use std::net::Ipv4Addr;

use bulk_core::config::Config;
use bulk_core::db::SessionBounds;
use bulk_core::dependencies::{Dependencies, DependencyError};
use bulk_core::shutdown::Shutdown;
use bulk_core::worker::Breaker;
use thiserror::Error;

use crate::health::{WorkerHealth, health_routes, metrics_route, serve};

/// Reason why a worker could not start or had to stop.
#[derive(Debug, Error)]
pub enum HostError {
    /// A dependency cannot be used.
    #[error(transparent)]
    Dependency(#[from] DependencyError),
    /// The health port cannot be served.
    #[error("the health port {port}: {error}")]
    Health {
        /// The port.
        port: u16,
        /// The I/O error.
        error: std::io::Error,
    },
}

/// Runs `work` as the worker `service`, with health and metrics on `health_port`. `work` ends on the shutdown signal.
///
/// # Errors
/// [`HostError`] if the worker cannot start.
pub async fn host<W: Future<Output = ()>>(
    config: &Config,
    service: &str,
    health_port: u16,
    shutdown: &Shutdown,
    work: impl FnOnce(Dependencies, Breaker) -> W,
) -> Result<(), HostError> {
    let dependencies = Dependencies::open(config, service, SessionBounds::worker(config.worker.lease))?;
    let breaker = Breaker::new(dependencies.probes());
    let health =
        WorkerHealth { probes: dependencies.probes(), breaker: breaker.clone(), draining: shutdown.clone() };
    let routes = health_routes(health).merge(metrics_route(dependencies.clone()));
    let stopped = Shutdown::new();
    let serving = async {
        let address = config.server.bind_address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let served = serve((address, health_port).into(), routes, stopped.clone()).await;
        served.map_err(|error| HostError::Health { port: health_port, error })
    };
    let working = async {
        let ready = dependencies.ready(shutdown).await;
        if ready.is_ok() {
            work(dependencies, breaker).await;
        }
        stopped.trigger();
        match ready {
            Ok(()) | Err(DependencyError::Stopped) => Ok(()),
            Err(error) => Err(error.into()),
        }
    };
    tokio::try_join!(serving, working).map(|_| ())
}
