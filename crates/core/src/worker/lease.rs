//! Renews a lease during work.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Renews a lease three times within its length until it is dropped, and reports when the lease is lost.
///
/// A lost lease is only a hint to stop early; correctness comes from the commit, which names the lease. A lease that
/// could not be renewed for its whole length also counts as lost, so that work blocked on a silent connection, for
/// example, ends too.
struct LeaseKeeper {
    lost: CancellationToken,
    renewals: JoinHandle<()>,
}

impl LeaseKeeper {
    /// Starts renewing. `renew` returns whether the lease is still held; a database error leaves that undecided.
    fn start<F, E>(lease: Duration, renew: impl Fn() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<bool, E>> + Send + 'static,
        E: std::fmt::Display + Send,
    {
        let lost = CancellationToken::new();
        let told = lost.clone();
        let renewals = tokio::spawn(async move {
            let mut runs_out = Instant::now() + lease;
            loop {
                tokio::time::sleep_until(runs_out.min(Instant::now() + lease / 3)).await;
                let asked = Instant::now();
                match timeout_at(runs_out, renew()).await {
                    Ok(Ok(true)) => runs_out = asked + lease,
                    Ok(Ok(false)) | Err(_) => return told.cancel(),
                    Ok(Err(_)) if Instant::now() >= runs_out => return told.cancel(),
                    Ok(Err(error)) => tracing::debug!(%error, "could not renew a lease"),
                }
            }
        });
        Self { lost, renewals }
    }

    /// Waits until the lease is lost.
    async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

/// Runs `work` while its lease is renewed. Returns `Ok(None)` if the lease is lost first.
///
/// # Errors
/// [`Panicked`] if the work panics. A caught panic counts as a failure of the work; otherwise the lease would run out
/// and the next worker would panic in turn, without end.
pub async fn under_lease<W, F, E>(
    lease: Duration,
    renew: impl Fn() -> F + Send + 'static,
    work: W,
) -> Result<Option<W::Output>, Panicked>
where
    W: Future,
    F: Future<Output = Result<bool, E>> + Send + 'static,
    E: std::fmt::Display + Send,
{
    let keeper = LeaseKeeper::start(lease, renew);
    tokio::select! {
        result = AssertUnwindSafe(work).catch_unwind() => result.map(Some).map_err(|_| Panicked),
        () = keeper.lost() => Ok(None),
    }
}

/// The work under a lease panicked; the panic is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.renewals.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const LEASE: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_three_times_within_its_length_and_kept() {
        let renewals = Arc::new(AtomicU32::new(0));
        let counted = renewals.clone();
        let keeper = LeaseKeeper::start(LEASE, move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, String>(true) }
        });
        assert!(tokio::time::timeout(LEASE * 4 + LEASE / 6, keeper.lost()).await.is_err());
        assert_eq!(renewals.load(Ordering::Relaxed), 12);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_another_worker_has_is_lost_at_once() {
        let keeper = LeaseKeeper::start(LEASE, || async { Ok::<_, String>(false) });
        tokio::time::timeout(LEASE / 2, keeper.lost()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn work_under_a_lease_ends_with_its_result_its_panic_or_the_lease() {
        let held = || async { Ok::<_, String>(true) };
        assert_eq!(under_lease(LEASE, held, async { 7 }).await, Ok(Some(7)));
        let panics = async { [1, 2, 3].get(7).map(|_: &i32| ()).expect("a panic of the test") };
        assert_eq!(under_lease(LEASE, held, panics).await, Err(Panicked));
        let taken = || async { Ok::<_, String>(false) };
        assert_eq!(under_lease(LEASE, taken, pending::<()>()).await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_lost_when_its_length_has_passed_in_silence_or_errors() {
        let began = Instant::now();
        LeaseKeeper::start(LEASE, || async { pending::<Result<bool, String>>().await }).lost().await;
        assert!(began.elapsed() <= LEASE + LEASE / 3, "{:?}", began.elapsed());
        let began = Instant::now();
        LeaseKeeper::start(LEASE, || async { Err::<bool, _>("connection refused") }).lost().await;
        assert!((LEASE..=LEASE + LEASE / 3).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}
