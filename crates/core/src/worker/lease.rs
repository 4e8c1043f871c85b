//! Keeps a lease alive while work goes on.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Renews a lease three times within its length until it is dropped, and tells when the lease was lost.
///
/// Losing it is only a hint to stop early: what keeps a worker without a lease from changing anything is that its
/// commit names the lease.
pub struct LeaseKeeper {
    lost: CancellationToken,
    renewals: JoinHandle<()>,
}

impl LeaseKeeper {
    /// Begins to renew. `renew` says whether the lease is still held; an error of the database leaves that open.
    pub fn start<F, E>(lease: Duration, renew: impl Fn() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<bool, E>> + Send + 'static,
        E: std::fmt::Display + Send,
    {
        let lost = CancellationToken::new();
        let told = lost.clone();
        let renewals = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                match renew().await {
                    Ok(true) => {}
                    Ok(false) => return told.cancel(),
                    Err(error) => tracing::debug!(%error, "could not renew a lease"),
                }
            }
        });
        Self { lost, renewals }
    }

    /// Waits until the lease is lost.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.renewals.abort();
    }
}
