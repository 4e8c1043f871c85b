//! Shared state of all handlers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulk_core::config::{ApiConfig, Config, HttpConfig};
use bulk_core::db::SessionBounds;
use bulk_core::dependencies::{Dependencies, DependencyError};
use bulk_core::entity::Entities;
use bulk_core::queue::Job;
use bulk_core::shutdown::Shutdown;
use serde_json::Value;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::SERVICE;
use crate::auth::{Authenticator, Sessions};
use crate::events::Followed;
use crate::health::Health;
use crate::rate_limit::{AccountLimits, AddressLimit};
use crate::shares::Shares;

/// Timeout of a statement of a request, including waits for locks. Each finds its rows by an index.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Description of the API.
pub(crate) struct Described {
    /// The OpenAPI document.
    pub(crate) document: Value,
    /// Every route, as `GET /path`.
    pub(crate) endpoints: Vec<String>,
}

/// Shared state of all handlers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    /// PostgreSQL, Redis and S3.
    pub(crate) dependencies: Dependencies,
    /// Identifies callers.
    pub(crate) authenticator: Arc<Authenticator>,
    /// Browser sessions.
    pub(crate) sessions: Sessions,
    /// Rate limits of accounts.
    pub(crate) account_limits: Arc<AccountLimits>,
    /// Rate limits of addresses.
    pub(crate) address_limit: Option<Arc<AddressLimit>>,
    /// Entities that can be uploaded.
    pub(crate) entities: Entities,
    /// Description of the API with these entities.
    pub(crate) described: Arc<Described>,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// HTTP settings.
    pub(crate) http: Arc<HttpConfig>,
    /// Health of the dependencies.
    pub(crate) health: Health,
    /// Places shared between accounts.
    pub(crate) shares: Shares,
    /// Time of the last read of the gauges. The reader holds the lock.
    pub(crate) gauges_read_at: Arc<tokio::sync::Mutex<Option<Instant>>>,
    /// Actions followed by event streams.
    pub(crate) followed: Followed,
    /// Running requests and clean-ups that outlive theirs. The process waits for them before it ends.
    pub(crate) running: TaskTracker,
    /// Shutdown signal.
    pub(crate) shutdown: Shutdown,
}

impl AppState {
    /// Creates clients for the dependencies without connecting.
    ///
    /// # Errors
    /// If one of their URLs is invalid.
    pub(crate) fn open(
        config: ApiConfig,
        entities: Entities,
        described: Described,
        shutdown: Shutdown,
    ) -> Result<Self, DependencyError> {
        let bounds = SessionBounds {
            statement: Some(STATEMENT_TIMEOUT),
            ..SessionBounds::only_idle(config.config.worker.lease)
        };
        let dependencies = Dependencies::open(&config.config, SERVICE, bounds)?;
        let account_limits = AccountLimits::open(&config.rate_limit, &config.config.redis)?;
        Ok(Self {
            described: Arc::new(described),
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

    /// Rings bells without delaying the response. If that fails, the reconciler rings again.
    pub(crate) fn ring_later(&self, bells: Vec<Job>) {
        let queue = self.dependencies.queue.clone();
        let ringing = async move { queue.ring(&bells).await };
        self.running.spawn(ringing.in_current_span());
    }
}
