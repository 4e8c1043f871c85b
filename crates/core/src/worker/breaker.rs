//! Stops a worker from claiming while something it depends on is away. An outage trips the breaker; from then on nothing
//! is claimed, the dependencies are probed with growing pauses, and when all answer the breaker closes. The change of
//! state is logged once, however many jobs meet the outage.
//!
//! Own code rather than a crate: breakers in crates count the failures of calls, ours must hold back claims until probes
//! of three dependencies succeed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::delay_after;
use crate::health::{Probe, check_all};
use crate::telemetry::metrics::BREAKER_OPEN;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Pauses stop growing here: this is how late a recovery is noticed at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Shared by everything in a worker that claims. Cheap to clone.
#[derive(Clone)]
pub struct Breaker {
    probes: Arc<Vec<Arc<dyn Probe>>>,
    /// Why it is open; `None` while it is closed.
    open: Arc<watch::Sender<Option<String>>>,
    /// Outages since work last succeeded: probes may succeed where work does not (a full disk, say).
    outages_in_a_row: Arc<AtomicU32>,
}

impl Breaker {
    /// A closed breaker over these dependencies.
    #[must_use]
    pub fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        Self {
            probes: Arc::new(probes),
            open: Arc::new(watch::Sender::new(None)),
            outages_in_a_row: Arc::default(),
        }
    }

    /// Why nothing is claimed at present, if so.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.open.borrow().clone()
    }

    /// Waits until it is closed.
    pub async fn closed(&self) {
        // The sender lives as long as this breaker, so waiting cannot fail.
        let _ = self.open.subscribe().wait_for(Option::is_none).await;
    }

    /// Work has succeeded.
    pub fn succeeded(&self) {
        self.outages_in_a_row.store(0, Ordering::Relaxed);
    }

    /// Work has met an outage: opens the breaker, unless it is open already, and begins to probe.
    pub fn trip(&self, reason: &str) {
        let opened = self.open.send_if_modified(|state| {
            let was_closed = state.is_none();
            if was_closed {
                *state = Some(reason.to_owned());
            }
            was_closed
        });
        if opened {
            tracing::warn!(reason, "a dependency is away: claiming nothing until it is back");
            metrics::gauge!(BREAKER_OPEN).set(1.0);
            let outages = self.outages_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::spawn(self.clone().probe_until_well(outages));
        }
    }

    async fn probe_until_well(self, outages: u32) {
        let since = Instant::now();
        let mut pauses = outages;
        loop {
            tokio::time::sleep(delay_after(pauses, FIRST_PAUSE).min(LONGEST_PAUSE)).await;
            pauses = pauses.saturating_add(1);
            let health = check_all(&self.probes, PROBE_TIMEOUT).await;
            let away: Vec<_> =
                health.iter().filter(|(_, health)| !health.healthy).map(|(name, _)| *name).collect();
            if away.is_empty() {
                break;
            }
            self.open.send_replace(Some(format!("away: {}", away.join(", "))));
        }
        metrics::gauge!(BREAKER_OPEN).set(0.0);
        tracing::info!(
            duration_ms = since.elapsed().as_millis() as u64,
            "every dependency is back: claiming again"
        );
        self.open.send_replace(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use async_trait::async_trait;

    use super::*;

    struct Switch(Arc<AtomicBool>);

    #[async_trait]
    impl Probe for Switch {
        fn name(&self) -> &'static str {
            "switch"
        }

        async fn probe(&self) -> Result<(), String> {
            if self.0.load(Ordering::Relaxed) { Ok(()) } else { Err("off".to_owned()) }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_open_until_every_probe_succeeds() {
        let on = Arc::new(AtomicBool::new(false));
        let breaker = Breaker::new(vec![Arc::new(Switch(on.clone()))]);
        breaker.closed().await;
        breaker.trip("connection refused");
        assert_eq!(breaker.reason().as_deref(), Some("connection refused"));
        let waited = tokio::time::timeout(Duration::from_secs(60), breaker.closed()).await;
        assert!(waited.is_err(), "the dependency is still away");
        assert_eq!(breaker.reason().as_deref(), Some("away: switch"));
        on.store(true, Ordering::Relaxed);
        breaker.closed().await;
        assert_eq!(breaker.reason(), None);
    }
}
