//! How the dependencies do, over [`bulk_core::health`]: asked once a second by a task of its own. Answers repeat what it
//! found, so that any number of questions costs the dependencies nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulk_core::health::{Dependency, DependencyHealth, Probe, check_all};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How long a dependency may take to answer before it counts as down.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How old an answer may become.
const ASK_EVERY: Duration = Duration::from_secs(1);

type Asking = BoxFuture<'static, Arc<Findings>>;

/// How each dependency does.
#[derive(Debug)]
pub(crate) struct Findings(BTreeMap<Dependency, DependencyHealth>);

impl Findings {
    /// Nothing is down.
    pub(crate) fn all_healthy(&self) -> bool {
        self.0.values().all(|health| health.healthy)
    }

    /// The dependencies by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &DependencyHealth)> {
        self.0.iter().map(|(dependency, health)| (dependency.as_str(), health))
    }
}

/// The last answer of every dependency. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Health(Arc<Inner>);

struct Inner {
    probes: Arc<[Arc<dyn Probe>]>,
    latest: watch::Sender<Arc<Findings>>,
    /// The question that is on its way, if there is one.
    asking: Mutex<Option<WeakShared<Asking>>>,
}

impl Health {
    /// Everything counts as down until it has been asked.
    pub(crate) fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        let unknown = |probe: &Arc<dyn Probe>| {
            let error = Some("not asked yet".to_owned());
            (probe.dependency(), DependencyHealth { healthy: false, response_time_ms: 0.0, error })
        };
        let latest = watch::Sender::new(Arc::new(Findings(probes.iter().map(unknown).collect())));
        Self(Arc::new(Inner { probes: probes.into(), latest, asking: Mutex::default() }))
    }

    /// What was found last.
    pub(crate) fn latest(&self) -> Arc<Findings> {
        self.0.latest.borrow().clone()
    }

    /// Asks every dependency now. Whoever comes while a question is on its way gets its answer.
    pub(crate) async fn ask(&self) -> Arc<Findings> {
        self.question().await
    }

    /// Asks, remembers the answer, and logs what has changed.
    pub(crate) async fn refresh(&self) {
        let found = self.ask().await;
        let before = self.0.latest.send_replace(found.clone());
        for (name, health) in found.iter() {
            let was_healthy = before.iter().any(|(other, health)| other == name && health.healthy);
            match &health.error {
                Some(error) if was_healthy => {
                    tracing::warn!(dependency = name, error, "a dependency is down");
                }
                None if !was_healthy => tracing::info!(dependency = name, "a dependency is well"),
                _ => {}
            }
        }
    }

    /// Refreshes for ever.
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

    /// Counts how often it is asked.
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
