//! Reads a queue and passes its jobs to a handler, with limited concurrency.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Breaker;
use super::turn::{Slots, Turn};
use crate::db::DbError;
use crate::health::{Dependency, Outage};
use crate::queue::{Delivery, LONGEST_READ, Payload, Queue, QueueName};
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::{JOB_SLOTS, JOBS_RUNNING};

/// Interval for taking over jobs of dead consumers, and the least time that a job must have been with its consumer.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(10);
const TAKE_OVER_IDLE: Duration = Duration::from_secs(60);

/// Timeout of a read while work that has lent its slot waits to get it back.
const SHORT_READ: Duration = Duration::from_millis(20);

/// Time for handlers to hand back their work after the shutdown timeout.
const HAND_BACK_TIME: Duration = Duration::from_secs(3);

/// Result of handling a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The work is done, belonged to another worker, or was put aside in PostgreSQL with its reason.
    Finished,
    /// A dependency of every job is unavailable. PostgreSQL still has the work (or its lease runs out); claiming more
    /// would fail too.
    Outage(Outage),
}

impl Verdict {
    /// Turns a database error into a verdict, and logs it unless it is an outage. `what` is the log message.
    #[must_use]
    pub fn after(error: &DbError, what: &str) -> Self {
        if let Some(outage) = error.outage() {
            return Self::Outage(outage);
        }
        match error {
            DbError::Fenced => tracing::info!(%error, "{what}"),
            // The work is still waiting in PostgreSQL, or its lease runs out.
            error if error.is_contention() => tracing::warn!(%error, "{what}"),
            error => tracing::error!(%error, "{what}"),
        }
        Self::Finished
    }
}

/// Handles the jobs of one queue.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The queue.
    const QUEUE: QueueName;

    /// Claims the next work in turn and does it in the slot that `turn` holds. Must not block, should stop soon after
    /// its lease is lost, and hands back its work if the shutdown timeout passes first.
    async fn handle(&self, turn: Turn) -> Verdict;
}

/// A name for this process among all consumers and lease owners: readable in logs and never used twice.
#[must_use]
pub fn consumer_name(service: &str) -> String {
    format!("{service}-{}-{}", std::process::id(), Uuid::now_v7().simple())
}

/// Reads one queue until the shutdown.
pub struct Runner<H> {
    /// Queue to read.
    pub queue: Queue,
    /// Name of this process.
    pub consumer: String,
    /// Handler of the jobs.
    pub handler: Arc<H>,
    /// Most concurrent jobs.
    pub concurrency: usize,
    /// Stops claims during outages.
    pub breaker: Breaker,
    /// Stops reading; running jobs are finished.
    pub shutdown: Shutdown,
    /// Time for running jobs after the shutdown signal.
    pub patience: Duration,
}

impl<H: Handler> Runner<H> {
    /// Runs until the shutdown, then waits for running jobs for up to `patience`. A job that does not hand back its
    /// work in time is abandoned: its lease runs out.
    pub async fn run(self) {
        let slots = Slots::new(self.concurrency);
        metrics::gauge!(JOB_SLOTS, "queue" => H::QUEUE.as_str()).set(self.concurrency as f64);
        metrics::gauge!(JOBS_RUNNING, "queue" => H::QUEUE.as_str()).set(0);
        let tasks = TaskTracker::new();
        let mut reader = self.queue.reader(H::QUEUE, &self.consumer);
        let mut last_take_over = Instant::now();
        while let Some(turn) = self.next_turn(&slots).await {
            // The slot already held, and the free ones.
            let room = 1 + slots.free();
            // From time to time, jobs of dead consumers come before new ones.
            let take_over = last_take_over.elapsed() >= TAKE_OVER_EVERY;
            let read = if take_over {
                last_take_over = Instant::now();
                reader.take_over(TAKE_OVER_IDLE, room).await
            } else {
                let wait = if slots.are_wanted_back() { SHORT_READ } else { LONGEST_READ };
                reader.read(room, wait).await
            };
            match read {
                Ok(deliveries) => self.start(deliveries, turn, &slots, &tasks).await,
                Err(error) => self.breaker.trip(&Outage::new(Dependency::Redis, error)),
            }
        }
        tasks.close();
        tokio::select! {
            () = tasks.wait() => {}
            () = self.shutdown.out_of_time(self.patience + HAND_BACK_TIME) => {
                tracing::warn!(jobs = tasks.len(), "abandoned jobs that were neither finished nor handed back in time");
            }
        }
    }

    /// A slot for one more job, after the breaker is closed; `None` on shutdown.
    async fn next_turn(&self, slots: &Arc<Slots>) -> Option<Turn> {
        let turn = async {
            self.breaker.closed().await;
            slots.turn().await
        };
        // Shutdown comes first: a free slot must not start another job after it.
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => None,
            turn = turn => turn,
        }
    }

    async fn start(&self, deliveries: Vec<Delivery>, turn: Turn, slots: &Arc<Slots>, tasks: &TaskTracker) {
        let mut turn = Some(turn);
        for Delivery { id, payload } in deliveries {
            let is_job = match payload {
                Payload::Job => true,
                Payload::UnknownVersion(version) => {
                    // Not finished: it stays in the queue for a worker that can read it.
                    tracing::warn!(job = id, version, "left a job of an unknown version in the queue");
                    continue;
                }
                Payload::Unreadable => false,
            };
            let turn = match turn.take() {
                Some(turn) => turn,
                // Rarely waits: no more jobs were requested than slots were free.
                None => match slots.turn().await {
                    Some(turn) => turn,
                    None => return,
                },
            };
            let (handler, queue, breaker) = (self.handler.clone(), self.queue.clone(), self.breaker.clone());
            tasks.spawn(async move {
                let _running = Running::begin(H::QUEUE);
                if is_job {
                    match handler.handle(turn).await {
                        Verdict::Finished => breaker.succeeded(),
                        Verdict::Outage(outage) => breaker.trip(&outage),
                    }
                } else {
                    tracing::error!(job = id, "a job that cannot be read was dropped");
                }
                // After any verdict: PostgreSQL has the state of the work, and unfinished work gets a new job.
                if let Err(error) = queue.finish(H::QUEUE, &[id]).await {
                    breaker.trip(&Outage::new(Dependency::Redis, error));
                }
            });
        }
    }
}

/// Counts a job as running until dropped.
struct Running(metrics::Gauge);

impl Running {
    fn begin(queue: QueueName) -> Self {
        let gauge = metrics::gauge!(JOBS_RUNNING, "queue" => queue.as_str());
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
