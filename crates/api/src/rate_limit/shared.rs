//! Buckets in Redis: one script and one round trip, exact over any number of API processes.
//!
//! No request waits long for them. After the first slow command Redis is not used until a background task finds it
//! quick again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bulk_core::config::RedisConfig;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use secrecy::ExposeSecret;
use tokio::time::{sleep, timeout};

use super::quota::{Decision, Quota, Standing};

/// Longest wait of a request. The script took less than 1 ms on the loaded 2-core machine of the measurement.
const PATIENCE: Duration = Duration::from_millis(50);
/// Timeout of the background probe, long enough that a connection which died unnoticed is detected and replaced.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
const PROBE_PAUSE: Duration = Duration::from_millis(500);

/// Buckets shared by all API processes.
pub(super) struct SharedBuckets {
    link: Arc<Link>,
    script: Script,
    key_prefix: String,
}

struct Link {
    connection: ConnectionManager,
    /// False while the background probe runs; then no request uses Redis.
    is_up: AtomicBool,
}

impl SharedBuckets {
    /// Connects on first use, so this succeeds while Redis is down.
    pub(super) fn open(config: &RedisConfig) -> Result<Self, RedisError> {
        let settings = ConnectionManagerConfig::new()
            .set_response_timeout(Some(PROBE_PATIENCE))
            .set_connection_timeout(Some(PROBE_PATIENCE))
            .set_number_of_retries(1);
        let client = Client::open(config.url.expose_secret())?;
        let connection = ConnectionManager::new_lazy_with_config(client, settings)?;
        Ok(Self {
            link: Arc::new(Link { connection, is_up: AtomicBool::new(true) }),
            script: Script::new(include_str!("take.lua")),
            key_prefix: config.key_prefix.clone(),
        })
    }

    /// Connects now, so that the first request does not have to.
    pub(super) async fn connect(&self) {
        if !matches!(timeout(PROBE_PATIENCE, self.link.ping()).await, Ok(Ok(()))) {
            self.link.give_up::<()>("no answer at the start");
        }
    }

    /// Takes one out of each bucket or out of none. `None` while Redis is down.
    pub(super) async fn take(&self, account: &str, quotas: &[Quota]) -> Option<Decision> {
        if !self.link.is_up.load(Ordering::Relaxed) {
            return None;
        }
        let mut call = self.script.prepare_invoke();
        for quota in quotas {
            // The braces keep an account's buckets on one node of a cluster.
            call.key(format!("{}:limit:{{{account}}}:{}", self.key_prefix, quota.name));
            call.arg(quota.interval_us()).arg(quota.capacity_us());
        }
        let mut connection = self.link.connection.clone();
        let answer: Vec<u64> = match timeout(PATIENCE, call.invoke_async(&mut connection)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return self.link.give_up(&error.to_string()),
            Err(_) => return self.link.give_up("no answer in time"),
        };
        let (wait_us, missing_us) = answer.split_first()?;
        let standings = quotas
            .iter()
            .zip(missing_us)
            .map(|(quota, missing_us)| Standing::new(quota, *missing_us))
            .collect();
        Some(match wait_us {
            0 => Decision::Allowed(standings),
            wait_us => Decision::Refused { standings, retry_after: Duration::from_micros(*wait_us) },
        })
    }
}

impl Link {
    async fn ping(&self) -> Result<(), RedisError> {
        redis::cmd("PING").query_async(&mut self.connection.clone()).await
    }

    /// Stops using Redis until it answers quickly again. The first caller to notice logs it and starts the background
    /// probe.
    fn give_up<T>(self: &Arc<Self>, error: &str) -> Option<T> {
        if self.is_up.swap(false, Ordering::Relaxed) {
            tracing::warn!(error, "Redis is unavailable: each process limits accounts by itself");
            let link = Arc::downgrade(self);
            tokio::spawn(async move {
                loop {
                    sleep(PROBE_PAUSE).await;
                    let Some(link) = link.upgrade() else { return };
                    if link.answers_quickly().await {
                        link.is_up.store(true, Ordering::Relaxed);
                        tracing::info!("Redis is available again: accounts are limited over all processes");
                        return;
                    }
                }
            });
        }
        None
    }

    /// Waits longer than requests do: abandoning a command early would hide from the connection that it is dead.
    async fn answers_quickly(&self) -> bool {
        let started = tokio::time::Instant::now();
        self.ping().await.is_ok() && started.elapsed() < PATIENCE
    }
}
