//! The three things every service stands on, opened from the configuration, and how each is asked whether it works.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use sqlx::PgPool;
use thiserror::Error;

use crate::config::Config;
use crate::db::{self, SchemaError, SessionBounds};
use crate::entity::FrozenEntities;
use crate::health::{Dependency, Probe};
use crate::queue::Queue;
use crate::shutdown::Shutdown;
use crate::storage::{ObjectStore, StorageError};

/// PostgreSQL, Redis and S3. Cheap to clone.
#[derive(Clone)]
pub struct Dependencies {
    /// PostgreSQL: the truth.
    pub pool: PgPool,
    /// Redis: the doorbell.
    pub queue: Queue,
    /// S3: the bytes.
    pub store: ObjectStore,
    /// Entities as they were declared at upload; read from PostgreSQL once.
    pub entities: FrozenEntities,
    /// One connection for the probe, which must not wait behind requests and call that an outage.
    probe_pool: PgPool,
}

/// Why a service cannot start.
#[derive(Debug, Error)]
pub enum DependencyError {
    /// `DATABASE_URL` is no database URL.
    #[error("DATABASE_URL: {0}")]
    DatabaseUrl(#[source] sqlx::Error),
    /// `REDIS_URL` is no Redis URL.
    #[error("REDIS_URL: {0}")]
    RedisUrl(#[from] redis::RedisError),
    /// The schema is not the one this build knows.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A stop was asked for before everything was there.
    #[error("stopped while waiting for the database and object storage")]
    Stopped,
}

impl Dependencies {
    /// Opens all three without asking them anything yet. A statement that takes longer than `statement_timeout` is broken
    /// off.
    ///
    /// # Errors
    /// When one of the URLs is not one.
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

    /// Waits until the database has the schema that this build knows and the bucket exists. A service that starts while
    /// one of them is away waits for it instead of dying and being started over and over.
    ///
    /// # Errors
    /// [`DependencyError::Schema`] when waiting does not help; [`DependencyError::Stopped`] on shutdown.
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
            // Every error of the store is an outage, which is retried for ever.
            let _ = bucket.await;
            Ok(())
        };
        tokio::select! {
            ready = both => ready,
            () = shutdown.cancelled() => Err(DependencyError::Stopped),
        }
    }

    /// One probe for each dependency.
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

    /// A server that takes no writes (a standby, a full disk that an operator or provider has closed) is of no use here.
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
