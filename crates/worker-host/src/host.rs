//! The frame around a worker: opens the dependencies, serves the health port from the first moment, waits for the
//! database and the bucket, runs the work, and stops serving last.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulk_core::config::Config;
use bulk_core::db::SessionBounds;
use bulk_core::dependencies::{Dependencies, DependencyError};
use bulk_core::health::{Probe, check_all};
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::readings;
use bulk_core::worker::Breaker;
use thiserror::Error;

use crate::{Readiness, WorkerHealth, serve};

const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

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
    let readiness = Obstacles {
        probes: dependencies.probes(),
        breaker: breaker.clone(),
        dependencies: dependencies.clone(),
    };
    let stopped = Shutdown::new();
    let health = WorkerHealth::new(Arc::new(readiness), shutdown.clone());
    let serving = async {
        let address = config.server.bind_address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let served = serve((address, health_port).into(), health, stopped.clone()).await;
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

struct Obstacles {
    probes: Vec<Arc<dyn Probe>>,
    breaker: Breaker,
    dependencies: Dependencies,
}

#[async_trait]
impl Readiness for Obstacles {
    async fn obstacles(&self) -> Vec<String> {
        let health = check_all(&self.probes, PROBE_TIMEOUT).await;
        let down =
            health.iter().filter(|(_, health)| !health.healthy).map(|(name, _)| format!("{name} is down"));
        let open = self.breaker.open().into_iter();
        let open = open.map(|name| format!("the circuit of {name} is open: nothing is claimed"));
        down.chain(open).collect()
    }

    async fn read_gauges(&self) {
        readings::read(&self.dependencies).await;
    }
}
