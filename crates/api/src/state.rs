//! What every handler can reach.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulk_core::config::{ApiConfig, Config, HttpConfig};
use bulk_core::db::{Bell, SessionBounds};
use bulk_core::dependencies::{Dependencies, DependencyError};
use bulk_core::entity::Entities;
use bulk_core::shutdown::Shutdown;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::SERVICE;
use crate::auth::{Authenticator, Sessions};
use crate::events::Followed;
use crate::health::Health;
use crate::openapi;
use crate::rate_limit::{AccountLimits, AddressLimit};
use crate::shares::Shares;

/// What one statement of a request may take, its waits for locks included. Each finds its rows by an index.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    /// PostgreSQL, Redis and S3.
    pub(crate) dependencies: Dependencies,
    /// Says who is calling.
    pub(crate) authenticator: Arc<Authenticator>,
    /// The browsers' sessions.
    pub(crate) sessions: Sessions,
    /// How much each account may ask.
    pub(crate) account_limits: Arc<AccountLimits>,
    /// How much each address may ask.
    pub(crate) address_limit: Option<Arc<AddressLimit>>,
    /// What can be uploaded.
    pub(crate) entities: Entities,
    /// The description of this API, with those entities.
    pub(crate) document: Arc<serde_json::Value>,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// The settings of HTTP itself.
    pub(crate) http: Arc<HttpConfig>,
    /// How the dependencies do.
    pub(crate) health: Health,
    /// What accounts share.
    pub(crate) shares: Shares,
    /// When the gauges were last read; whoever reads them holds the lock.
    pub(crate) gauges_read_at: Arc<tokio::sync::Mutex<Option<Instant>>>,
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
    pub(crate) fn open(
        config: ApiConfig,
        entities: Entities,
        shutdown: Shutdown,
    ) -> Result<Self, DependencyError> {
        let bounds = SessionBounds {
            statement: Some(STATEMENT_TIMEOUT),
            ..SessionBounds::only_idle(config.config.worker.lease)
        };
        let dependencies = Dependencies::open(&config.config, SERVICE, bounds)?;
        let account_limits = AccountLimits::open(&config.rate_limit, &config.config.redis)?;
        Ok(Self {
            document: Arc::new(openapi::document(&entities)),
            entities,
            account_limits: Arc::new(account_limits),
            address_limit: AddressLimit::new(&config.rate_limit, config.http.trust_proxy).map(Arc::new),
            sessions: Sessions::new(&config),
            http: Arc::new(config.http),
            health: Health::new(dependencies.probes()),
            shares: Shares::new(config.config.database.max_connections),
            gauges_read_at: Arc::default(),
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
