//! What health answers say, over [`bulk_core::health`].

use std::collections::BTreeMap;
use std::time::Duration;

use bulk_core::health::{Dependency, DependencyHealth, check_all};

use crate::state::AppState;

/// How long a dependency may take to answer before it counts as down.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How each dependency does.
pub(crate) struct Findings(BTreeMap<Dependency, DependencyHealth>);

impl Findings {
    /// Asks every dependency now.
    pub(crate) async fn gather(state: &AppState) -> Self {
        let found = check_all(&state.probes, PROBE_TIMEOUT).await;
        for (dependency, health) in &found {
            if let Some(error) = &health.error {
                tracing::warn!(%dependency, error, "a dependency is down");
            }
        }
        Self(found)
    }

    /// Nothing is down.
    pub(crate) fn all_healthy(&self) -> bool {
        self.0.values().all(|health| health.healthy)
    }

    /// The dependencies by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &DependencyHealth)> {
        self.0.iter().map(|(dependency, health)| (dependency.as_str(), health))
    }
}
