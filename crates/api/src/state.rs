//! What every handler can reach.

use std::sync::Arc;

use bulk_core::config::{ApiConfig, Config, HttpConfig};
use bulk_core::db::{Bell, SessionBounds};
use bulk_core::dependencies::{Dependencies, DependencyError};
use bulk_core::health::Probe;
use bulk_core::shutdown::Shutdown;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::SERVICE;
use crate::auth::Authenticator;
use crate::events::Followed;
use crate::rate_limit::{AccountLimits, AddressLimit};

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    /// PostgreSQL, Redis and S3.
    pub(crate) dependencies: Dependencies,
    /// Says who is calling.
    pub(crate) authenticator: Arc<Authenticator>,
    /// How much each account may ask.
    pub(crate) account_limits: Arc<AccountLimits>,
    /// How much each address may ask.
    pub(crate) address_limit: Option<Arc<AddressLimit>>,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// The settings of HTTP itself.
    pub(crate) http: Arc<HttpConfig>,
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
        let dependencies = Dependencies::open(
            &config.config,
            SERVICE,
            SessionBounds::only_idle(config.config.worker.lease),
        )?;
        let account_limits = AccountLimits::open(&config.rate_limit, &config.config.redis)?;
        Ok(Self {
            account_limits: Arc::new(account_limits),
            address_limit: AddressLimit::new(&config.rate_limit, config.http.trust_proxy).map(Arc::new),
            http: Arc::new(config.http),
            probes: dependencies.probes().into(),
            followed: Followed::new(dependencies.pool.clone(), shutdown.clone()),
            dependencies,
            authenticator: Arc::new(Authenticator::new(&config.auth)),
            config: Arc::new(config.config),
            running: TaskTracker::new(),
            shutdown,
        })
    }
    /// Rings without keeping the caller waiting: a bell that nobody hears is rung again by the reconciler.
    pub(crate) fn ring_later(&self, bells: Vec<Bell>) {
        let queue = self.dependencies.queue.clone();
        let ringing = async move {
            if let Err(error) = queue.ring(&bells).await {
                tracing::warn!(%error, bells = bells.len(), "could not ring; the reconciler will");
            }
        };
        self.running.spawn(ringing.in_current_span());
    }
}
