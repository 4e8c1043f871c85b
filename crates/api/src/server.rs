//! The listener's life: wait for the dependencies, serve, drain, end.

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
use crate::router::router;
use crate::state::AppState;

mod connections;

/// What connections have to say goodbye to the database, after all else is over.
const POOL_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often limits that nobody is near to any more are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Why the API ended otherwise than asked.
#[derive(Debug, Error)]
pub enum RunError {
    /// A dependency cannot be used.
    #[error(transparent)]
    Dependency(#[from] DependencyError),
    /// A declaration is wrong, or the database differs from it.
    #[error(transparent)]
    Entities(#[from] EntitiesError),
    /// The port cannot be bound.
    #[error("cannot listen on port {port}")]
    Bind {
        /// The port.
        port: u16,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// An API that is ready to serve. Connections wait from the start on; requests are answered once [`Server::serve`] runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: AppState,
}

impl Server {
    /// Waits for the dependencies and binds the port (0 for any free one).
    ///
    /// # Errors
    /// [`RunError`] when that cannot be; also when the shutdown comes first.
    pub async fn start(config: ApiConfig, shutdown: Shutdown) -> Result<Self, RunError> {
        let port = config.config.server.port;
        let entities =
            Entities::load(config.config.upload.entities_dir.as_deref()).map_err(EntitiesError::Wrong)?;
        let state = AppState::open(config, entities, shutdown)?;
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

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the shutdown, then takes nothing new and finishes what runs, within `SHUTDOWN_TIMEOUT_MS`.
    pub async fn serve(self) {
        let Self { listener, state, .. } = self;
        let seats = connections::seats(state.http.trust_proxy);
        let serving = connections::serve(listener, seats, router(state.clone()), drain(state.clone()));
        let timeout = state.config.server.shutdown_timeout;
        tokio::select! {
            () = serving => {}
            () = forget_full_buckets(&state) => {}
            () = state.health.keep_fresh() => {}
            () = out_of_time(&state.shutdown, timeout) => tracing::warn!("gave up what was still running"),
        }
        // A database that is silent keeps the pool open for ever.
        let _ = tokio::time::timeout(POOL_CLOSE_TIMEOUT, state.dependencies.pool.close()).await;
    }
}

/// Never ends.
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

/// Waits for the shutdown, and then for the requests that run. Meanwhile connections are still taken, so that readiness
/// checks see that the process drains; only when this is over does the listener close.
async fn drain(state: AppState) {
    state.shutdown.cancelled().await;
    state.running.close();
    state.running.wait().await;
}

async fn out_of_time(shutdown: &Shutdown, timeout: Duration) {
    shutdown.cancelled().await;
    tokio::time::sleep(timeout).await;
}
