//! Life cycle of the listener: wait for the dependencies, serve, drain, close.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bulk_core::config::ApiConfig;
use bulk_core::dependencies::DependencyError;
use bulk_core::entity::Entities;
use bulk_core::shutdown::Shutdown;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use crate::entities::{EntitiesError, check_entities};
use crate::openapi;
use crate::router::router;
use crate::state::AppState;

mod connections;

/// Time for database connections to close at the end.
const POOL_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval of dropping idle rate-limit buckets.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Reason why the API stopped or could not start.
#[derive(Debug, Error)]
pub enum RunError {
    /// A dependency cannot be used.
    #[error(transparent)]
    Dependency(#[from] DependencyError),
    /// A declaration is invalid, or does not match the database.
    #[error(transparent)]
    Entities(#[from] EntitiesError),
    /// The port cannot be bound.
    #[error("cannot listen on port {port}")]
    Bind {
        /// The port.
        port: u16,
        /// The I/O error.
        #[source]
        source: io::Error,
    },
}

/// An API that is ready to serve. Connections queue from now on; requests are handled once [`Server::serve`] runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: AppState,
}

impl Server {
    /// Waits for the dependencies and binds the port (0 for any free one).
    ///
    /// # Errors
    /// [`RunError`] if that fails; also if the shutdown comes first.
    pub async fn start(config: ApiConfig, shutdown: Shutdown) -> Result<Self, RunError> {
        let port = config.config.server.port;
        let entities =
            Entities::load(config.config.upload.entities_dir.as_deref()).map_err(EntitiesError::Wrong)?;
        let described = openapi::describe(&entities);
        let state = AppState::open(config, entities, described, shutdown)?;
        state.dependencies.ready(&state.shutdown).await?;
        check_entities(&state.dependencies.pool, &state.entities).await?;
        state.account_limits.connect().await;
        state.health.refresh().await;
        let listener = connections::bind((state.http.bind_address, port).into());
        let listener = listener.map_err(|source| RunError::Bind { port, source })?;
        let address = listener.local_addr().map_err(|source| RunError::Bind { port, source })?;
        tracing::info!(%address, port = address.port(), "listening");
        Ok(Self { listener, address, state })
    }

    /// Listening address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the shutdown, then rejects new requests and completes running ones within `SHUTDOWN_TIMEOUT_MS`.
    pub async fn serve(self) {
        let Self { listener, state, .. } = self;
        let seats = connections::seats(state.http.trust_proxy);
        let serving = connections::serve(listener, seats, router(state.clone()), drain(state.clone()));
        let timeout = state.config.server.shutdown_timeout;
        tokio::select! {
            () = serving => {}
            () = forget_full_buckets(&state) => {}
            () = state.health.keep_fresh() => {}
            () = state.shutdown.out_of_time(timeout) => tracing::warn!("aborted requests that were still running"),
        }
        // A silent database would keep the pool open for ever.
        let _ = tokio::time::timeout(POOL_CLOSE_TIMEOUT, state.dependencies.pool.close()).await;
    }
}

/// Drops idle rate-limit buckets every minute.
async fn forget_full_buckets(state: &AppState) {
    let mut ticks = interval(FORGET_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        state.account_limits.forget_full_buckets();
        if let Some(limit) = &state.address_limit {
            limit.forget_full_buckets();
        }
    }
}

/// Waits for the shutdown and then for running requests. Connections are still accepted meanwhile, so that readiness
/// checks see the draining; the listener closes after this.
async fn drain(state: AppState) {
    state.shutdown.cancelled().await;
    state.running.close();
    state.running.wait().await;
}
