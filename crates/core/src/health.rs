//! Whether the process and what it depends on are well. It only asks; how the answer is shown is the HTTP crates' part.

mod ask;

pub use ask::{NotWell, ask_ready};

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;

/// Asks one dependency whether it works.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The dependency's name in answers: `database`, `redis`, `minio`.
    fn name(&self) -> &'static str;

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

/// Runs all probes side by side, each for at most `timeout`, and gives the answers by name.
pub async fn check_all(
    probes: &[Arc<dyn Probe>],
    timeout: Duration,
) -> BTreeMap<&'static str, DependencyHealth> {
    let checks = probes.iter().map(async |probe| (probe.name(), check(probe.as_ref(), timeout).await));
    join_all(checks).await.into_iter().collect()
}

async fn check(probe: &dyn Probe, timeout: Duration) -> DependencyHealth {
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

    struct Fake(&'static str, Option<Result<(), String>>);

    #[async_trait]
    impl Probe for Fake {
        fn name(&self) -> &'static str {
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
            Arc::new(Fake("database", Some(Ok(())))),
            Arc::new(Fake("redis", Some(Err("refused".to_owned())))),
            Arc::new(Fake("minio", None)),
        ];
        let health = check_all(&probes, Duration::from_millis(20)).await;
        assert!(health["database"].healthy);
        assert_eq!(health["redis"].error.as_deref(), Some("refused"));
        assert_eq!(health["minio"].error.as_deref(), Some("no answer within 20 ms"));
        assert!(!health["minio"].healthy && health["minio"].response_time_ms >= 20.0);
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
