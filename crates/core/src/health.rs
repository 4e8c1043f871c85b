//! Health of the process and its dependencies. This module only runs the probes; the HTTP crates present the results.

mod ask;

pub use ask::{NotWell, ask_ready};

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;

/// A dependency of every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// PostgreSQL.
    Database,
    /// Redis.
    Redis,
    /// Object storage. Named after the server in the compose file.
    Minio,
}

impl Dependency {
    /// The name in responses, metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Redis => "redis",
            Self::Minio => "minio",
        }
    }
}

impl std::fmt::Display for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A dependency is unavailable. The work waits, and it does not count as a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The dependency.
    pub dependency: Dependency,
    /// The error. Only for the log: it may contain host names and paths.
    pub reason: String,
}

impl Outage {
    /// An outage of the dependency, caused by this error.
    pub fn new(dependency: Dependency, error: impl std::fmt::Display) -> Self {
        Self { dependency, reason: error.to_string() }
    }
}

/// A health probe of one dependency.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The dependency.
    fn dependency(&self) -> Dependency;

    /// Performs the smallest operation that proves the dependency usable.
    ///
    /// # Errors
    /// The reason why it is not usable, for the log. The caller applies the timeout.
    async fn probe(&self) -> Result<(), String>;
}

/// Result of a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencyHealth {
    /// True if the probe succeeded in time.
    pub healthy: bool,
    /// Duration of the probe, in milliseconds.
    pub response_time_ms: f64,
    /// The reason of the failure. Only for the log: it may contain host names and paths.
    pub error: Option<String>,
}

/// Runs all probes concurrently, each for at most `timeout`, and returns the results by dependency.
pub async fn check_all(
    probes: &[Arc<dyn Probe>],
    timeout: Duration,
) -> BTreeMap<Dependency, DependencyHealth> {
    let checks = probes.iter().map(async |probe| (probe.dependency(), check(probe.as_ref(), timeout).await));
    join_all(checks).await.into_iter().collect()
}

/// Runs one probe, for at most `timeout`.
pub async fn check(probe: &dyn Probe, timeout: Duration) -> DependencyHealth {
    let start = Instant::now();
    let error = match tokio::time::timeout(timeout, probe.probe()).await {
        Ok(result) => result.err(),
        Err(_) => Some(format!("no answer within {} ms", timeout.as_millis())),
    };
    let response_time_ms = start.elapsed().as_secs_f64() * 1000.0;
    DependencyHealth { healthy: error.is_none(), response_time_ms, error }
}

static FIRST_ASKED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Uptime of the process, counted from the first call, which [`crate::telemetry::init`] makes.
#[must_use]
pub fn uptime() -> Duration {
    FIRST_ASKED.elapsed()
}

/// Resident memory of the process in bytes; `None` where the system does not report it.
#[must_use]
pub fn resident_memory_bytes() -> Option<u64> {
    metrics_process::collector::collect().resident_memory_bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(Dependency, Option<Result<(), String>>);

    #[async_trait]
    impl Probe for Fake {
        fn dependency(&self) -> Dependency {
            self.0
        }

        async fn probe(&self) -> Result<(), String> {
            match &self.1 {
                Some(result) => result.clone(),
                None => std::future::pending().await,
            }
        }
    }

    #[tokio::test]
    async fn every_dependency_is_reported_even_if_one_hangs() {
        let probes: [Arc<dyn Probe>; 3] = [
            Arc::new(Fake(Dependency::Database, Some(Ok(())))),
            Arc::new(Fake(Dependency::Redis, Some(Err("refused".to_owned())))),
            Arc::new(Fake(Dependency::Minio, None)),
        ];
        let health = check_all(&probes, Duration::from_millis(20)).await;
        assert!(health[&Dependency::Database].healthy);
        assert_eq!(health[&Dependency::Redis].error.as_deref(), Some("refused"));
        assert_eq!(health[&Dependency::Minio].error.as_deref(), Some("no answer within 20 ms"));
        assert!(!health[&Dependency::Minio].healthy && health[&Dependency::Minio].response_time_ms >= 20.0);
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        assert!(resident_memory_bytes().is_none_or(|bytes| bytes > 100_000));
    }

    #[test]
    fn uptime_grows() {
        let first = uptime();
        assert!(uptime() >= first);
    }
}
