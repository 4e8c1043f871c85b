//! The three dependencies of every service, opened from the configuration, with a health probe for each.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use sqlx::PgPool;
use thiserror::Error;

use crate::config::Config;
use crate::db::{self, FrozenEntities, SchemaError, SessionBounds};
use crate::health::{Dependency, Probe};
use crate::queue::Queue;
use crate::shutdown::Shutdown;
use crate::storage::{ObjectStore, StorageError};

/// PostgreSQL, Redis and S3. Cheap to clone.
#[derive(Clone)]
pub struct Dependencies {
    /// PostgreSQL, the source of truth.
    pub pool: PgPool,
    /// Redis, the job queues.
    pub queue: Queue,
    /// S3, the objects.
    pub store: ObjectStore,
    /// Declarations of entities at the time of an upload; each is read from PostgreSQL once.
    pub entities: FrozenEntities,
    /// Separate connection for the probe, so that it does not wait behind requests and report that as an outage.
    probe_pool: PgPool,
}

/// Reason why a service cannot start.
#[derive(Debug, Error)]
pub enum DependencyError {
    /// `DATABASE_URL` is not a database URL.
    #[error("DATABASE_URL: {0}")]
    DatabaseUrl(#[source] sqlx::Error),
    /// `REDIS_URL` is not a Redis URL.
    #[error("REDIS_URL: {0}")]
    RedisUrl(#[from] redis::RedisError),
    /// The schema is not the one that this build expects.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Shutdown was requested before all dependencies were ready.
    #[error("stopped while waiting for the database and object storage")]
    Stopped,
}

impl Dependencies {
    /// Creates clients for all three without connecting. `bounds` are the limits of the database sessions.
    ///
    /// # Errors
    /// If one of the URLs is invalid.
    pub fn open(config: &Config, service: &str, bounds: SessionBounds) -> Result<Self, DependencyError> {
        let database = &config.database;
        let pool = db::connect(&database.url, service, database.max_connections, bounds);
        let probe_pool = db::connect_for_probes(&database.url, service);
        Ok(Self {
            pool: pool.map_err(DependencyError::DatabaseUrl)?,
            probe_pool: probe_pool.map_err(DependencyError::DatabaseUrl)?,
            queue: Queue::new(&config.redis)?,
            store: ObjectStore::new(&config.storage),
            entities: FrozenEntities::default(),
        })
    }

    /// Waits until the database has the expected schema and the bucket exists. A service that starts during an outage
    /// waits instead of exiting and being restarted again and again.
    ///
    /// # Errors
    /// [`DependencyError::Schema`] if waiting cannot help; [`DependencyError::Stopped`] on shutdown.
    pub async fn ready(&self, shutdown: &Shutdown) -> Result<(), DependencyError> {
        let patience = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .without_max_times();
        let schema = (|| db::require_schema(&self.pool))
            .retry(patience)
            .when(|error| matches!(error, SchemaError::Database(error) if db::is_outage(error)))
            .notify(|error, _| tracing::warn!(%error, "waiting for the database"));
        let bucket = (|| self.store.ensure_bucket())
            .retry(patience)
            .when(StorageError::is_outage)
            .notify(|error, _| tracing::warn!(%error, "waiting for object storage"));
        let both = async {
            schema.await?;
            // Every error of the store is an outage, which is retried without end, so only success or shutdown gets
            // here.
            let _ = bucket.await;
            Ok(())
        };
        tokio::select! {
            ready = both => ready,
            () = shutdown.cancelled() => Err(DependencyError::Stopped),
        }
    }

    /// One health probe per dependency.
    #[must_use]
    pub fn probes(&self) -> Vec<Arc<dyn Probe>> {
        vec![
            Arc::new(Database(self.probe_pool.clone())),
            Arc::new(Redis(self.queue.clone())),
            Arc::new(Minio(self.store.clone())),
        ]
    }
}

struct Database(PgPool);
struct Redis(Queue);
struct Minio(ObjectStore);

#[async_trait]
impl Probe for Database {
    fn dependency(&self) -> Dependency {
        Dependency::Database
    }

    /// A server that accepts no writes (a standby, or one made read-only because its disk is full) counts as down.
    async fn probe(&self) -> Result<(), String> {
        let read_only =
            sqlx::query_scalar!(r#"SELECT current_setting('transaction_read_only') = 'on' AS "read_only!""#)
                .fetch_one(&self.0)
                .await
                .map_err(|error| error.to_string())?;
        if read_only { Err("the database takes no writes: it is read-only".to_owned()) } else { Ok(()) }
    }
}

#[async_trait]
impl Probe for Redis {
    fn dependency(&self) -> Dependency {
        Dependency::Redis
    }

    async fn probe(&self) -> Result<(), String> {
        self.0.probe().await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Probe for Minio {
    fn dependency(&self) -> Dependency {
        Dependency::Minio
    }

    async fn probe(&self) -> Result<(), String> {
        match self.0.bucket_exists().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the bucket does not exist".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}
