//! Whether the process and what it depends on are well. It only asks; how the answer is shown is the HTTP crates' part.

mod ask;

pub use ask::{NotWell, ask_ready};

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;

/// What every service stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// PostgreSQL.
    Database,
    /// Redis.
    Redis,
    /// Object storage; named after the server that the compose file runs.
    Minio,
}

impl Dependency {
    /// The name in answers, metrics and logs.
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

/// Work met a dependency that did not do its part. Waiting helps, and it is nobody's failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Which.
    pub dependency: Dependency,
    /// What it answered. For the log only: it may name hosts and paths.
    pub reason: String,
}

impl Outage {
    /// An outage that showed itself as this error.
    pub fn new(dependency: Dependency, error: impl std::fmt::Display) -> Self {
        Self { dependency, reason: error.to_string() }
    }
}

/// Asks one dependency whether it works.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The dependency.
    fn dependency(&self) -> Dependency;

    /// Does the smallest thing that proves the dependency usable.
    ///
    /// # Errors
    /// Why it is not usable, for the log. It need not keep a time-out itself.
    async fn probe(&self) -> Result<(), String>;
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencyHealth {
    /// Whether the probe succeeded in time.
    pub healthy: bool,
    /// How long the probe took, in milliseconds.
    pub response_time_ms: f64,
    /// Why it failed. For the log only: it may name hosts and paths.
    pub error: Option<String>,
}

/// Runs all probes side by side, each for at most `timeout`, and gives the answers by dependency.
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

/// How long the process runs, counted from the first call; [`crate::telemetry::init`] makes that call.
#[must_use]
pub fn uptime() -> Duration {
    FIRST_ASKED.elapsed()
}

/// The process' resident memory in bytes; `None` where the system has no `/proc`.
#[must_use]
pub fn resident_memory_bytes() -> Option<u64> {
    parse_resident_memory(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn parse_resident_memory(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
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
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(parse_resident_memory("Name:\tapi\nVmRSS:\t   2048 kB\nThreads:\t1\n"), Some(2_097_152));
        assert_eq!(parse_resident_memory("Name:\tapi\n"), None);
        if cfg!(target_os = "linux") {
            assert!(resident_memory_bytes().unwrap() > 100_000);
        }
    }

    #[test]
    fn uptime_grows() {
        let first = uptime();
        assert!(uptime() >= first);
    }
}
