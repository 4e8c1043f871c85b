//! The shutdown signal shared by all tasks of a process.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Shutdown signal. Clones share one state, which changes from running to stopping once.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that has not been triggered; for tests and for processes that stop themselves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A signal triggered by SIGTERM or SIGINT. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// If the signal handlers cannot be installed.
    pub fn on_signals() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let triggered = shutdown.clone();
        tokio::spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(signal = name, "stopping");
            triggered.trigger();
        });
        Ok(shutdown)
    }

    /// Requests the stop of everything that holds a clone or a child. Repeated calls have no effect.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// True if shutdown was requested.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until shutdown is requested. Cancel-safe, so it may be used in `select!`.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }

    /// Waits until shutdown is requested and `patience` has passed since. Work that still runs then must stop.
    pub async fn out_of_time(&self, patience: Duration) {
        self.cancelled().await;
        tokio::time::sleep(patience).await;
    }

    /// A child signal: it is triggered with this one, and can be triggered alone without affecting it.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_trigger_reaches_clones_and_children() {
        let shutdown = Shutdown::new();
        let (clone, child) = (shutdown.clone(), shutdown.child());
        assert!(!clone.is_cancelled());
        shutdown.trigger();
        timeout(Duration::from_secs(5), async { tokio::join!(clone.cancelled(), child.cancelled()) })
            .await
            .expect("both must stop");
    }

    #[tokio::test]
    async fn a_child_stops_alone() {
        let shutdown = Shutdown::new();
        let child = shutdown.child();
        child.trigger();
        assert!(child.is_cancelled() && !shutdown.is_cancelled());
    }

    #[tokio::test]
    async fn sigterm_triggers() {
        let shutdown = Shutdown::on_signals().unwrap();
        let pid = std::process::id().to_string();
        let status = std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(status.success());
        timeout(Duration::from_secs(5), shutdown.cancelled()).await.expect("SIGTERM must stop");
    }
}
