//! Ships log lines to Loki with tracing-loki, without trusting it with the service's memory or time.
//!
//! tracing-loki queues without a limit while Loki is away, waits for an answer without a time-out, and loses bursts of
//! more than 512 lines silently. So its client lives for a short while only: a fresh one takes over, the old one gets
//! some seconds to deliver, and what it then still holds is given up (stdout has it). Lines beyond what it can take are
//! refused here and counted. It runs on a thread of its own, so that busy workers do not keep it from draining.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_loki::url::Url;
use tracing_loki::{BackgroundTask, BackgroundTaskController};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::{TelemetryError, metrics};
use crate::config::Environment;

/// How long one client takes lines. With [`LINES_PER_WINDOW`] it bounds what is held while Loki is away: 10,000 lines.
const CLIENT_LIFETIME: Duration = Duration::from_secs(20);
/// How long a replaced client may go on delivering.
const HANDOVER: Duration = Duration::from_secs(10);
/// How long the end of the process waits for the last lines.
const FLUSH: Duration = Duration::from_secs(2);
/// The client's channel holds 512 lines; a tenth of that in each tenth of a second leaves it time to drain.
const LINES_PER_WINDOW: u64 = 50;
const WINDOW_MS: u64 = 100;

/// The layer that every service logs through; the client behind it changes.
pub(super) struct LokiLayer {
    client: Arc<RwLock<tracing_loki::Layer>>,
    allowance: Allowance,
}

/// Ends shipping when dropped, after the last lines had their chance.
#[derive(Debug)]
pub(super) struct Shipper {
    stop: Option<oneshot::Sender<()>>,
    stopped: mpsc::Receiver<()>,
}

/// Where lines go, and what is needed to make a client again and again.
pub(super) struct Target {
    service: &'static str,
    environment: Environment,
    url: Url,
    lifetime: Duration,
}

struct Client {
    layer: tracing_loki::Layer,
    controller: BackgroundTaskController,
    task: BackgroundTask,
}

impl Target {
    pub(super) fn new(service: &'static str, environment: Environment, url: &Url) -> Self {
        let mut url = url.clone();
        // The crate puts its path after the last slash, in place of what stands there.
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Self { service, environment, url, lifetime: CLIENT_LIFETIME }
    }

    /// Starts shipping.
    pub(super) fn start(self) -> Result<(LokiLayer, Shipper), TelemetryError> {
        let first = self.client()?;
        let client = Arc::new(RwLock::new(first.layer));
        let layer = LokiLayer { client: client.clone(), allowance: Allowance::new() };

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stop_asked) = oneshot::channel();
        let (stopped_sender, stopped) = mpsc::channel::<()>();
        std::thread::Builder::new().name("loki".to_owned()).spawn(move || {
            runtime.block_on(ship(&self, &client, first.controller, first.task, stop_asked));
            // The guard waits for this end of the channel to go.
            drop(stopped_sender);
        })?;
        Ok((layer, Shipper { stop: Some(stop), stopped }))
    }

    /// Labels are few and bounded (service, environment, and the level by itself); everything else is in the line.
    fn client(&self) -> Result<Client, tracing_loki::Error> {
        let (layer, controller, task) = tracing_loki::builder()
            .label("service", self.service)?
            .label("environment", self.environment.as_str())?
            .build_controller_url(self.url.clone())?;
        Ok(Client { layer, controller, task })
    }
}

/// Replaces the client again and again until the process stops.
async fn ship(
    target: &Target,
    current: &RwLock<tracing_loki::Layer>,
    mut controller: BackgroundTaskController,
    task: BackgroundTask,
    mut stop_asked: oneshot::Receiver<()>,
) {
    let mut task = tokio::spawn(task);
    loop {
        let stopping = tokio::select! {
            _ = &mut stop_asked => true,
            () = sleep(target.lifetime) => false,
        };
        if stopping {
            let delivered = async {
                controller.shutdown().await;
                let _ = task.await;
            };
            let _ = timeout(FLUSH, delivered).await;
            return;
        }
        // The settings were good for the first client. If they are not now, the old one is the better choice.
        let Ok(next) = target.client() else { continue };
        *current.write().unwrap_or_else(PoisonError::into_inner) = next.layer;
        let old_controller = std::mem::replace(&mut controller, next.controller);
        let old_task = std::mem::replace(&mut task, tokio::spawn(next.task));
        tokio::spawn(retire(old_controller, old_task));
    }
}

/// Lets a replaced client go on for a while. It is not told to stop, because one that waits for Loki to come back would
/// then give up all it holds; losing its controller would tell it so.
async fn retire(controller: BackgroundTaskController, task: JoinHandle<()>) {
    sleep(HANDOVER).await;
    task.abort();
    drop(controller);
}

impl Drop for Shipper {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = self.stopped.recv_timeout(FLUSH);
    }
}

impl LokiLayer {
    fn client(&self) -> RwLockReadGuard<'_, tracing_loki::Layer> {
        self.client.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LokiLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.client().on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.client().on_record(id, values, context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if self.allowance.take() {
            self.client().on_event(event, context);
        } else {
            ::metrics::counter!(metrics::LOG_LINES_DROPPED).increment(1);
        }
    }
}

/// How many lines may pass per window. Two threads that meet at a window's edge may both start it anew, which lets a few
/// lines more through: the client's channel has room for them.
struct Allowance {
    start: Instant,
    window: AtomicU64,
    taken: AtomicU64,
}

impl Allowance {
    fn new() -> Self {
        Self { start: Instant::now(), window: AtomicU64::new(0), taken: AtomicU64::new(0) }
    }

    fn take(&self) -> bool {
        let elapsed_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.take_in(elapsed_ms / WINDOW_MS)
    }

    fn take_in(&self, window: u64) -> bool {
        if self.window.swap(window, Ordering::Relaxed) != window {
            self.taken.store(0, Ordering::Relaxed);
        }
        self.taken.fetch_add(1, Ordering::Relaxed) < LINES_PER_WINDOW
    }
}

#[cfg(test)]
mod tests;
