//! Stops a worker from claiming while a dependency is unavailable. There is one circuit per dependency, opened by an
//! outage of it. While any circuit is open nothing is claimed, because every job needs all dependencies. The dependency
//! of an open circuit is probed with growing pauses, and the circuit closes when it responds. Each change of state is
//! logged once, however many jobs meet the outage.
//!
//! Own code rather than a crate: existing breakers count failed calls, while this one holds back claims until a
//! dependency's probe succeeds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::delay_after;
use crate::health::{Dependency, Outage, Probe, check};
use crate::telemetry::metrics::BREAKER_OPEN;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between probes, which is also the longest delay in noticing a recovery.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Shared by all claiming tasks of a worker. Cheap to clone.
#[derive(Clone)]
pub struct Breaker {
    circuits: Arc<BTreeMap<Dependency, Circuit>>,
    /// The open circuits.
    open: Arc<watch::Sender<Vec<Dependency>>>,
}

struct Circuit {
    probe: Arc<dyn Probe>,
    /// Outages since the last success: a probe may succeed where work does not (a full disk, for example).
    outages_in_a_row: AtomicU32,
}

impl Breaker {
    /// A breaker with one closed circuit per probe.
    #[must_use]
    pub fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        let circuit = |probe: Arc<dyn Probe>| {
            show(probe.dependency(), false);
            (probe.dependency(), Circuit { probe, outages_in_a_row: AtomicU32::new(0) })
        };
        Self {
            circuits: Arc::new(probes.into_iter().map(circuit).collect()),
            open: Arc::new(watch::Sender::new(Vec::new())),
        }
    }

    /// The dependencies whose circuits are open.
    #[must_use]
    pub fn open(&self) -> Vec<Dependency> {
        self.open.borrow().clone()
    }

    /// Waits until every circuit is closed.
    pub async fn closed(&self) {
        // The sender lives as long as this breaker, so waiting cannot fail.
        let _ = self.open.subscribe().wait_for(Vec::is_empty).await;
    }

    /// Records that work succeeded.
    pub fn succeeded(&self) {
        for circuit in self.circuits.values() {
            circuit.outages_in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// Records an outage: opens the dependency's circuit and starts probing, unless it is open already.
    pub fn trip(&self, outage: &Outage) {
        let dependency = outage.dependency;
        let opened = self.open.send_if_modified(|open| {
            let was_closed = !open.contains(&dependency);
            if was_closed {
                open.push(dependency);
            }
            was_closed
        });
        if opened {
            let reason = &outage.reason;
            tracing::warn!(%dependency, reason, "a dependency is away: claiming nothing until it is back");
            show(dependency, true);
            tokio::spawn(self.clone().probe_until_well(dependency));
        }
    }

    async fn probe_until_well(self, dependency: Dependency) {
        let since = Instant::now();
        if let Some(circuit) = self.circuits.get(&dependency) {
            let mut pauses = circuit.outages_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
            loop {
                tokio::time::sleep(delay_after(pauses, FIRST_PAUSE).min(LONGEST_PAUSE)).await;
                pauses = pauses.saturating_add(1);
                if check(circuit.probe.as_ref(), PROBE_TIMEOUT).await.healthy {
                    break;
                }
            }
        }
        show(dependency, false);
        let duration_ms = since.elapsed().as_millis() as u64;
        tracing::info!(%dependency, duration_ms, "a dependency has recovered");
        self.open.send_modify(|open| open.retain(|&other| other != dependency));
    }
}

fn show(dependency: Dependency, open: bool) {
    metrics::gauge!(BREAKER_OPEN, "dependency" => dependency.as_str()).set(f64::from(u8::from(open)));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use async_trait::async_trait;

    use super::*;

    struct Switch(Dependency, Arc<AtomicBool>);

    #[async_trait]
    impl Probe for Switch {
        fn dependency(&self) -> Dependency {
            self.0
        }

        async fn probe(&self) -> Result<(), String> {
            if self.1.load(Ordering::Relaxed) { Ok(()) } else { Err("off".to_owned()) }
        }
    }

    async fn stays_open(breaker: &Breaker) -> bool {
        tokio::time::timeout(Duration::from_secs(60), breaker.closed()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_breaker_stays_open_until_every_dependency_that_was_away_is_back() {
        let [redis, minio] = [false, false].map(|on| Arc::new(AtomicBool::new(on)));
        let breaker = Breaker::new(vec![
            Arc::new(Switch(Dependency::Redis, redis.clone())),
            Arc::new(Switch(Dependency::Minio, minio.clone())),
        ]);
        breaker.closed().await;
        breaker.trip(&Outage::new(Dependency::Minio, "connection refused"));
        breaker.trip(&Outage::new(Dependency::Redis, "connection refused"));
        breaker.trip(&Outage::new(Dependency::Redis, "connection refused"));
        assert_eq!(breaker.open(), [Dependency::Minio, Dependency::Redis]);
        redis.store(true, Ordering::Relaxed);
        assert!(stays_open(&breaker).await, "object storage is still away");
        assert_eq!(breaker.open(), [Dependency::Minio]);
        minio.store(true, Ordering::Relaxed);
        breaker.closed().await;
        assert_eq!(breaker.open(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dependency_that_is_away_is_none_of_the_others_business() {
        let breaker = Breaker::new(vec![
            Arc::new(Switch(Dependency::Redis, Arc::default())),
            Arc::new(Switch(Dependency::Minio, Arc::new(AtomicBool::new(true)))),
        ]);
        breaker.trip(&Outage::new(Dependency::Minio, "full"));
        breaker.closed().await;
    }
}
