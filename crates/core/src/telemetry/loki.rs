//! Ships log lines to Loki with tracing-loki, with bounded memory and time.
//!
//! tracing-loki queues without a limit while Loki is down, waits for a response without a timeout, and silently loses
//! bursts of more than 512 lines (hrxi/tracing-loki #41 is related; the missing limit and timeout are not reported
//! upstream. Remove the rotation when the crate bounds both). So each client lives only for a short time: a new one
//! takes over, the old one gets a few seconds to deliver, and its remaining lines are dropped (stdout has them). Lines
//! above the client's capacity are dropped here and counted. Shipping runs on its own thread, so that busy workers do
//! not delay it.

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

/// Lifetime of a client. With [`LINES_PER_WINDOW`] it limits the lines held while Loki is down to 10,000.
const CLIENT_LIFETIME: Duration = Duration::from_secs(20);
/// Time for a replaced client to deliver its lines.
const HANDOVER: Duration = Duration::from_secs(10);
/// Time for the last lines at the end of the process.
const FLUSH: Duration = Duration::from_secs(2);
/// The client's channel holds 512 lines; a tenth of that per tenth of a second leaves time to drain it.
const LINES_PER_WINDOW: u64 = 50;
const WINDOW_MS: u64 = 100;

/// The log layer of every service; the client behind it is replaced regularly.
pub(super) struct LokiLayer {
    client: Arc<RwLock<tracing_loki::Layer>>,
    allowance: Allowance,
}

/// Ends shipping when dropped, after the last lines had time to be sent.
#[derive(Debug)]
pub(super) struct Shipper {
    stop: Option<oneshot::Sender<()>>,
    stopped: mpsc::Receiver<()>,
}

/// Destination of the lines, with everything needed to create a client.
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
        // The crate replaces the part of the path after the last slash with its own.
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
            // The guard waits until this end of the channel is dropped.
            drop(stopped_sender);
        })?;
        Ok((layer, Shipper { stop: Some(stop), stopped }))
    }

    /// Labels are few and bounded (service, environment, and the level by itself); all other fields are in the line.
    fn client(&self) -> Result<Client, tracing_loki::Error> {
        let (layer, controller, task) = tracing_loki::builder()
            .label("service", self.service)?
            .label("environment", self.environment.as_str())?
            .build_controller_url(self.url.clone())?;
        Ok(Client { layer, controller, task })
    }
}

/// Replaces the client periodically until the process stops.
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
        // The settings worked for the first client. If they fail now, keep the old one.
        let Ok(next) = target.client() else { continue };
        *current.write().unwrap_or_else(PoisonError::into_inner) = next.layer;
        let old_controller = std::mem::replace(&mut controller, next.controller);
        let old_task = std::mem::replace(&mut task, tokio::spawn(next.task));
        tokio::spawn(retire(old_controller, old_task));
    }
}

/// Lets a replaced client deliver for a while. It is not stopped: a client that is waiting for Loki would then drop
/// everything it holds, and dropping its controller would stop it too.
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

/// Limits the lines per window. Two threads at the edge of a window may both reset it, which lets a few more lines
/// pass; the client's channel has space for them.
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
