//! Share of the stores for one test.

use std::thread;

use local::env_file::Variables;
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::Database;
use crate::moves::undrawn_moves;
use crate::services::TestServices;

/// A database, a Redis key prefix and a bucket name that are unique to the test.
///
/// The database is dropped with this value. Redis keys and objects remain until the stores of the test run are removed.
#[derive(Debug)]
pub struct TestEnv {
    services: TestServices,
    database: Database,
    pool: PgPool,
    id: String,
}

impl TestEnv {
    /// Creates the database with the schema and without rows. Panics if the stores are not running.
    pub async fn new() -> Self {
        let services = TestServices::from_env();
        let database = Database::create(&services.database_url).await;
        let pool = database.pool().await;
        Self { services, database, pool, id: Uuid::new_v4().simple().to_string() }
    }

    /// Connections to the test's database.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The environment variables for a service.
    #[must_use]
    pub fn settings(&self) -> Variables {
        let mut settings = test_settings();
        let own = [
            ("DATABASE_URL", &self.database.url),
            ("REDIS_URL", &self.services.redis_url),
            ("REDIS_KEY_PREFIX", &format!("test-{}", self.id)),
            ("MINIO_ENDPOINT", &self.services.s3_endpoint),
            ("MINIO_PORT", &self.services.s3_port),
            ("MINIO_USE_SSL", &"false".to_owned()),
            ("MINIO_ACCESS_KEY", &self.services.s3_access_key),
            ("MINIO_SECRET_KEY", &self.services.s3_secret_key),
            ("MINIO_BUCKET_NAME", &format!("test-{}", self.id)),
        ];
        settings.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        settings
    }
}

/// Settings of every service under test: short intervals, because tests wait for them.
pub(crate) fn test_settings() -> Variables {
    [
        ("NODE_ENV", "test"),
        ("AUTH_MODE", "header"),
        ("DATABASE_MAX_CONNECTIONS", "8"),
        ("MINIO_REGION", "us-east-1"),
        ("LEASE_MS", "2000"),
        ("RECONCILE_INTERVAL_MS", "200"),
        ("LOG_LEVEL", "info"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

impl Drop for TestEnv {
    /// Runs in its own thread, since a runtime cannot block inside itself.
    fn drop(&mut self) {
        let database = self.database.clone();
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let undrawn = undrawn_moves(&database.pool().await).await.unwrap_or_default();
                // A database that remains costs a little disk space until the end of the run, which is not worth a
                // failure.
                let _ = database.drop().await;
                std::io::Result::Ok(undrawn)
            })
        });
        let undrawn = dropping.join().ok().and_then(Result::ok).unwrap_or_default();
        if !thread::panicking() {
            assert_eq!(
                undrawn,
                Vec::<String>::new(),
                "moves that are in no drawing (crates/core/src/*/moves.txt)"
            );
        }
    }
}
