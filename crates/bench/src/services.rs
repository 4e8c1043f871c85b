//! The measured platform, and the counters of its stores.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use local::env_file;
use local::platform::LocalPlatform;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::usage::Processes;

/// The running platform and connections to its stores.
pub struct Services {
    /// URL of the API.
    pub url: String,
    /// Connections for the benchmark itself.
    pub pool: PgPool,
    /// Processes of the platform.
    pub processes: Processes,
    /// Directory for temporary files.
    pub directory: PathBuf,
    redis: redis::Client,
}

/// Work of the stores so far.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// Transactions committed by PostgreSQL.
    pub transactions: i64,
    /// Commands processed by Redis.
    pub redis_commands: i64,
    /// Total size of all objects.
    pub object_bytes: u64,
    /// Number of all objects.
    pub objects: u64,
}

impl Work {
    /// Difference to an earlier reading.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            transactions: self.transactions - before.transactions,
            redis_commands: self.redis_commands - before.redis_commands,
            object_bytes: self.object_bytes.saturating_sub(before.object_bytes),
            objects: self.objects.saturating_sub(before.objects),
        }
    }
}

impl Services {
    /// Connects to a running platform.
    ///
    /// # Errors
    /// If a store does not respond.
    pub async fn of(platform: &LocalPlatform) -> Result<Self> {
        let data_dir = platform.data_dir();
        let settings = env_file::read(&data_dir.env_file())?;
        let setting = |name: &str| settings.get(name).with_context(|| format!("no {name} in the env file"));
        Ok(Self {
            url: platform.url(),
            pool: PgPoolOptions::new().max_connections(5).connect(setting("DATABASE_URL")?).await?,
            processes: Processes::of(&data_dir.run())?,
            directory: data_dir.root().to_owned(),
            redis: redis::Client::open(setting("REDIS_URL")?.as_str())?,
        })
    }

    /// Reads the counters of the stores.
    ///
    /// # Errors
    /// If a store does not respond.
    pub async fn work(&self) -> Result<Work> {
        // A backend reports its own transactions at most once a second, unless requested.
        let transactions =
            sqlx::query_scalar("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
                .fetch_one(&self.pool)
                .await?;
        let mut redis = self.redis.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO").arg("stats").query_async(&mut redis).await?;
        let redis_commands = info
            .lines()
            .find_map(|line| line.strip_prefix("total_commands_processed:"))
            .and_then(|count| count.trim().parse().ok())
            .context("Redis does not say how many commands it has processed")?;
        let (objects, object_bytes) = files_below(&self.directory.join(local::object_store::NAME));
        Ok(Work { transactions, redis_commands, object_bytes, objects })
    }
}

/// Number and total size of all objects. The store's own metadata files start with a dot.
fn files_below(directory: &Path) -> (u64, u64) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.fold((0, 0), |(files, bytes), entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let below = files_below(&entry.path());
            (files + below.0, bytes + below.1)
        }
        Ok(metadata) if !entry.file_name().to_string_lossy().starts_with('.') => {
            (files + 1, bytes + metadata.len())
        }
        _ => (files, bytes),
    })
}
