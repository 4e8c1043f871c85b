//! The one signal that tells everything in a process to finish what runs and leave.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Asks for an orderly stop. Clones share one state; it goes from running to stopping once and never back.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A shutdown that nobody has asked for yet, for tests and for processes that decide themselves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown that SIGTERM or SIGINT triggers. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
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

    /// Asks everything that holds a clone or a child to stop. Asking again changes nothing.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until a stop is asked for; safe to drop and call again, as `select!` does.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }

    /// Waits until a stop was asked for and `patience` has passed since: what still runs then is to be given up.
    pub async fn out_of_time(&self, patience: Duration) {
        self.cancelled().await;
        tokio::time::sleep(patience).await;
    }

    /// A shutdown that stops with this one, and can be triggered alone without touching this one.
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
