//! What every handler can reach.

use std::sync::Arc;

use bulk_core::config::{ApiConfig, Config};
use bulk_core::dependencies::{Dependencies, DependencyError};
use bulk_core::health::Probe;
use bulk_core::shutdown::Shutdown;
use tokio_util::task::TaskTracker;

use crate::SERVICE;
use crate::auth::Authenticator;
use crate::events::Followed;

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    /// PostgreSQL, Redis and S3.
    pub(crate) dependencies: Dependencies,
    /// Says who is calling.
    pub(crate) authenticator: Arc<Authenticator>,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// One question for each dependency.
    pub(crate) probes: Arc<[Arc<dyn Probe>]>,
    /// The actions whose events somebody listens to.
    pub(crate) followed: Followed,
    /// Requests that are being answered, and clean-ups that outlive theirs. The process waits for them before it ends.
    pub(crate) running: TaskTracker,
    /// Triggered when the process is to end.
    pub(crate) shutdown: Shutdown,
}

impl AppState {
    /// Opens the dependencies without asking them anything yet.
    ///
    /// # Errors
    /// When one of their URLs is not one.
    pub(crate) fn open(config: ApiConfig, shutdown: Shutdown) -> Result<Self, DependencyError> {
        let dependencies = Dependencies::open(&config.config, SERVICE)?;
        Ok(Self {
            probes: dependencies.probes().into(),
            followed: Followed::new(dependencies.pool.clone(), shutdown.clone()),
            dependencies,
            authenticator: Arc::new(Authenticator::new(&config.auth)),
            config: Arc::new(config.config),
            running: TaskTracker::new(),
            shutdown,
        })
    }
}
