//! Health of the dependencies, based on [`bulk_core::health`]. A task probes them once a second. Responses use its last
//! result, so that health requests cost the dependencies nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulk_core::health::{Dependency, DependencyHealth, Probe, check_all};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// Timeout of a probe; after it the dependency counts as down.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval of the probes, which is the maximum age of a result.
const ASK_EVERY: Duration = Duration::from_secs(1);

type Asking = BoxFuture<'static, Arc<Findings>>;

/// Health of each dependency.
#[derive(Debug)]
pub(crate) struct Findings(BTreeMap<Dependency, DependencyHealth>);

impl Findings {
    /// True if no dependency is down.
    pub(crate) fn all_healthy(&self) -> bool {
        self.0.values().all(|health| health.healthy)
    }

    /// The dependencies by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &DependencyHealth)> {
        self.0.iter().map(|(dependency, health)| (dependency.as_str(), health))
    }
}

/// The last result for every dependency. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Health(Arc<Inner>);

struct Inner {
    probes: Arc<[Arc<dyn Probe>]>,
    latest: watch::Sender<Arc<Findings>>,
    /// The probe in progress, if any.
    asking: Mutex<Option<WeakShared<Asking>>>,
}

impl Health {
    /// Every dependency counts as down until it has been probed.
    pub(crate) fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        let unknown = |probe: &Arc<dyn Probe>| {
            let error = Some("not asked yet".to_owned());
            (probe.dependency(), DependencyHealth { healthy: false, response_time_ms: 0.0, error })
        };
        let latest = watch::Sender::new(Arc::new(Findings(probes.iter().map(unknown).collect())));
        Self(Arc::new(Inner { probes: probes.into(), latest, asking: Mutex::default() }))
    }

    /// The last results.
    pub(crate) fn latest(&self) -> Arc<Findings> {
        self.0.latest.borrow().clone()
    }

    /// Probes every dependency now. Callers that come during a probe share its result.
    pub(crate) async fn ask(&self) -> Arc<Findings> {
        self.question().await
    }

    /// Probes, stores the result, and logs changes.
    pub(crate) async fn refresh(&self) {
        let found = self.ask().await;
        let before = self.0.latest.send_replace(found.clone());
        for (name, health) in found.iter() {
            let was_healthy = before.iter().any(|(other, health)| other == name && health.healthy);
            match &health.error {
                Some(error) if was_healthy => {
                    tracing::warn!(dependency = name, error, "a dependency is down");
                }
                None if !was_healthy => tracing::info!(dependency = name, "a dependency is healthy"),
                _ => {}
            }
        }
    }

    /// Refreshes without end.
    pub(crate) async fn keep_fresh(&self) {
        let mut ticks = interval(ASK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.refresh().await;
        }
    }

    fn question(&self) -> Shared<Asking> {
        let mut asking = self.0.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let running = asking.as_ref().and_then(WeakShared::upgrade).filter(|one| one.peek().is_none());
        running.unwrap_or_else(|| {
            let probes = self.0.probes.clone();
            let question = async move { Arc::new(Findings(check_all(&probes, PROBE_TIMEOUT).await)) };
            let question = question.boxed().shared();
            *asking = question.downgrade();
            question
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;

    /// Counts its probes.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl Probe for Counting {
        fn dependency(&self) -> Dependency {
            Dependency::Database
        }

        async fn probe(&self) -> Result<(), String> {
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    #[tokio::test]
    async fn any_number_of_questions_asks_the_dependency_once() {
        let probe = Arc::new(Counting::default());
        let health = Health::new(vec![probe.clone()]);
        assert!(!health.latest().all_healthy(), "nobody has been asked yet");
        health.refresh().await;
        for _ in 0..1000 {
            assert!(health.latest().all_healthy());
        }
        assert_eq!(probe.0.load(Ordering::SeqCst), 1);
        let questions: Vec<_> = (0..1000).map(|_| health.question()).collect();
        let answers = futures::future::join_all(questions).await;
        assert!(answers.iter().all(|found| found.all_healthy()));
        assert_eq!(probe.0.load(Ordering::SeqCst), 2, "who comes together is answered together");
    }

    #[tokio::test]
    async fn a_question_whose_askers_have_gone_is_asked_again() {
        let health = Health::new(vec![Arc::new(Counting::default())]);
        assert!(health.ask().now_or_never().is_none());
        assert!(health.ask().await.all_healthy());
    }
}
