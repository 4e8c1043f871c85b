//! Stores that belong to one test, because the test crashes them. Each is reached through a [`FaultProxy`].

use std::time::Duration;

use local::data_dir::DataDir;
use local::env_file::Variables;
use local::postgres::Durability;
use local::process::send_signal;
use local::stores::{self, Outside, Stores};
use local::supervisor::Supervisor;
use nix::sys::signal::Signal;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::FaultProxy;
use crate::database::migrate;
use crate::env::test_settings;
use crate::moves::undrawn_moves;

/// A store that can be killed; it is restarted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The postmaster.
    Postgres,
    /// The server, with its append-only file.
    Redis,
}

/// A PostgreSQL, a Redis and an object store of one test.
#[derive(Debug)]
pub struct PrivateStores {
    directory: TempDir,
    data_dir: DataDir,
    supervisor: Supervisor,
    _stores: Stores,
    pool: PgPool,
    redis_port: u16,
    settings: Variables,
    /// Proxy to PostgreSQL.
    pub database: FaultProxy,
    /// Proxy to Redis.
    pub redis: FaultProxy,
    /// Proxy to the object store.
    pub s3: FaultProxy,
}

impl PrivateStores {
    /// Starts the stores, with the schema and without rows.
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("stores-").tempdir().unwrap();
        let data_dir = DataDir::open(directory.path()).unwrap();
        let mut supervisor = Supervisor::new(data_dir.logs(), data_dir.run());
        let stores =
            Stores::start(&data_dir, &mut supervisor, Outside::Never, Durability::Processes).await.unwrap();
        let direct = stores.settings.clone();
        migrate(&direct["DATABASE_URL"]).await;
        let options: PgConnectOptions = direct["DATABASE_URL"].parse().unwrap();
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(2))
            .connect_lazy_with(options.clone());

        let redis_port = direct["REDIS_URL"].rsplit(':').next().unwrap().parse().unwrap();
        let database = FaultProxy::start(options.get_port()).await;
        let redis = FaultProxy::start(redis_port).await;
        let s3 = FaultProxy::start(direct["MINIO_PORT"].parse().unwrap()).await;
        let mut settings = test_settings();
        settings.extend(direct.clone());
        let through = |port: u16| format!(":{port}");
        settings.extend([
            (
                "DATABASE_URL".to_owned(),
                direct["DATABASE_URL"].replace(&through(options.get_port()), &through(database.port())),
            ),
            ("REDIS_URL".to_owned(), format!("redis://127.0.0.1:{}", redis.port())),
            ("MINIO_PORT".to_owned(), s3.port().to_string()),
        ]);
        Self {
            directory,
            data_dir,
            supervisor,
            _stores: stores,
            pool,
            redis_port,
            settings,
            database,
            redis,
            s3,
        }
    }

    /// The environment variables for a service that uses the stores through the proxies.
    #[must_use]
    pub fn settings(&self) -> Variables {
        self.settings.clone()
    }

    /// A pool of direct connections to the database, without the proxy.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Sends a signal to a store's process.
    pub fn kill(&self, store: Store, signal: Signal) {
        // It may already be dead and about to be restarted.
        if let Some(pid) = self.pid(store) {
            send_signal(pid, signal).unwrap();
        }
    }

    /// Kills a process that serves a session of PostgreSQL, which makes the server end all sessions and recover.
    pub async fn kill_database_session(&self) {
        let pids: Result<Vec<i32>, _> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
             ORDER BY query_start DESC",
        )
        .fetch_all(&self.pool)
        .await;
        if let Some(pid) = pids.ok().and_then(|pids| pids.first().copied()) {
            send_signal(u32::try_from(pid).unwrap(), Signal::SIGKILL).unwrap();
        }
    }

    /// Empties Redis, if it responds.
    pub async fn flush_redis(&self) {
        let flush = async {
            let mut connection = TcpStream::connect(("127.0.0.1", self.redis_port)).await?;
            connection.write_all(b"FLUSHALL\r\n").await?;
            connection.read_exact(&mut [0; 5]).await
        };
        let _ = flush.await;
    }

    /// Stops the stores and removes their data. Panics if a status was changed by a move that is not allowed.
    pub async fn stop(mut self) {
        let undrawn = undrawn_moves(&self.pool).await.unwrap();
        assert_eq!(
            undrawn,
            Vec::<String>::new(),
            "moves that are in no drawing (crates/core/src/*/moves.txt)"
        );
        self.pool.close().await;
        stores::stop(&mut self.supervisor).await;
        drop(self.data_dir);
        self.directory.close().unwrap();
    }

    fn pid(&self, store: Store) -> Option<u32> {
        let name = match store {
            Store::Postgres => local::postgres::NAME,
            Store::Redis => local::redis::NAME,
        };
        let file = local::process::pid_path(&self.data_dir.run(), name);
        std::fs::read_to_string(file).ok()?.trim().parse().ok()
    }
}
