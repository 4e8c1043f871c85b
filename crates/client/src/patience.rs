//! Retry times and pauses.

use std::time::Duration;

use tokio::time::Instant;

use crate::ClientError;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Time for which requests to an unavailable or busy service are retried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a service that has never responded: its address is more likely wrong than the service down.
    pub unknown: Duration,
    /// For a service that has responded before.
    pub known: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { unknown: Duration::from_secs(2), known: Duration::from_secs(120) }
    }
}

impl Patience {
    /// No retries.
    pub const NONE: Self = Self { unknown: Duration::ZERO, known: Duration::ZERO };
}

/// A retry that follows after a pause.
#[derive(Debug)]
pub struct Waiting<'a> {
    /// The error of the last attempt.
    pub error: &'a ClientError,
    /// The pause.
    pub pause: Duration,
}

/// Attempts of one call.
pub(crate) struct Attempts {
    patience: Patience,
    /// Time of the first failure.
    failing_since: Option<Instant>,
    failed: u32,
}

impl Attempts {
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, failing_since: None, failed: 0 }
    }

    /// The pause before the next attempt after `error`; `None` if there is none. `is_known` is true if the service has
    /// ever responded.
    pub(crate) fn pause(&mut self, error: &ClientError, is_known: bool) -> Option<Duration> {
        let asked = error.refusal().and_then(|refusal| refusal.retry_after);
        let own = FIRST_PAUSE.saturating_mul(1 << self.failed.min(10)).min(LONGEST_PAUSE);
        // With jitter, so that clients that failed together do not return together; never earlier than the service
        // requested.
        let pause = asked.unwrap_or(own.div_f64(2.0)) + own.mul_f64(fastrand::f64() / 2.0);
        self.failed += 1;
        let budget = if is_known { self.patience.known } else { self.patience.unknown };
        let spent = self.failing_since.get_or_insert_with(Instant::now).elapsed();
        (spent + pause <= budget).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;

    fn busy(retry_after: Option<u64>) -> ClientError {
        ClientError::Refused(Box::new(Refusal {
            status: 503,
            code: "unavailable".to_owned(),
            message: String::new(),
            details: Vec::new(),
            trace_id: None,
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end_with_the_patience() {
        let mut attempts = Attempts::new(Patience::default());
        let mut pauses = Vec::new();
        while let Some(pause) = attempts.pause(&busy(None), true) {
            tokio::time::advance(pause).await;
            pauses.push(pause);
        }
        assert!(pauses[0] <= FIRST_PAUSE && pauses.iter().all(|pause| *pause <= LONGEST_PAUSE), "{pauses:?}");
        let total: Duration = pauses.iter().sum();
        assert!(total <= Patience::default().known && pauses.len() > 20, "{pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_service_is_not_asked_before_the_time_that_it_named() {
        let mut attempts = Attempts::new(Patience::default());
        let pause = attempts.pause(&busy(Some(7)), true).unwrap();
        assert!(pause >= Duration::from_secs(7), "{pause:?}");
        assert_eq!(attempts.pause(&busy(Some(500)), true), None, "longer than anybody waits");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_never_answered_is_given_up_soon() {
        let mut attempts = Attempts::new(Patience::default());
        let mut tries = 1;
        while let Some(pause) = attempts.pause(&busy(None), false) {
            tokio::time::advance(pause).await;
            tries += 1;
        }
        assert!((2..10).contains(&tries), "{tries}");
        assert_eq!(Attempts::new(Patience::NONE).pause(&busy(None), true), None);
    }
}
