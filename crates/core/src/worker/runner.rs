//! Reads a queue and hands its jobs to a handler, a bounded number at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Breaker;
use super::turn::{Slots, Turn};
use crate::db::DbError;
use crate::health::{Dependency, Outage};
use crate::queue::{Delivery, Job, LONGEST_READ, Payload, Queue, QueueName, QueueReader};
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::{JOB_SLOTS, JOBS_RUNNING};

/// How often jobs of dead consumers are looked for, and how long a job must have been with its consumer.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(10);
const TAKE_OVER_IDLE: Duration = Duration::from_secs(60);

/// How long a job is waited for while a piece of work that has lent its slot wants it back.
const SHORT_READ: Duration = Duration::from_millis(20);

/// What handlers have after their time is out, to hand back what they hold.
const HAND_BACK_TIME: Duration = Duration::from_secs(3);

/// How the handling of a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The work is done, was someone else's, or has been put aside in PostgreSQL with its reason.
    Finished,
    /// Something that every job needs is away. PostgreSQL still knows the work (or its lease will run out); claiming
    /// more is no use for now.
    Outage(Outage),
}

impl Verdict {
    /// What follows when `what` met this error of the database: an outage, or something wrong that a log line tells.
    #[must_use]
    pub fn after(error: &DbError, what: &str) -> Self {
        if let Some(outage) = error.outage() {
            return Self::Outage(outage);
        }
        match error {
            DbError::Fenced => tracing::info!(%error, "{what}"),
            // The work waits in PostgreSQL still, or its lease runs out.
            error if error.is_contention() => tracing::warn!(%error, "{what}"),
            error => tracing::error!(%error, "{what}"),
        }
        Self::Finished
    }
}

/// Does the jobs of one queue.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What it does.
    type Job: Job;

    /// Claims the work whose turn it is, and does it in the slot that comes with `turn`. Must not block, should stop soon once
    /// its lease is lost, and hands back what it holds when a stop was asked for and the time to finish it is out.
    async fn handle(&self, job: Self::Job, turn: Turn) -> Verdict;
}

/// A name for this process among all consumers and lease owners: readable in logs, never used twice.
#[must_use]
pub fn consumer_name(service: &str) -> String {
    format!("{service}-{}-{}", std::process::id(), Uuid::now_v7().simple())
}

/// Reads one queue until the shutdown.
pub struct Runner<H> {
    /// The queue to read.
    pub queue: Queue,
    /// This process's name.
    pub consumer: String,
    /// Does the jobs.
    pub handler: Arc<H>,
    /// Jobs at a time.
    pub concurrency: usize,
    /// Holds back claims during outages.
    pub breaker: Breaker,
    /// Ends the reading; jobs that run are finished.
    pub shutdown: Shutdown,
    /// How long after the shutdown jobs may run.
    pub patience: Duration,
}

impl<H: Handler> Runner<H> {
    /// Runs until the shutdown, then waits for the jobs that run, as long as patience lasts. A job that does not even
    /// manage to hand its work back is abandoned: its lease will run out.
    pub async fn run(self) {
        let slots = Slots::new(self.concurrency);
        metrics::gauge!(JOB_SLOTS, "queue" => H::Job::QUEUE.as_str()).set(self.concurrency as f64);
        metrics::gauge!(JOBS_RUNNING, "queue" => H::Job::QUEUE.as_str()).set(0);
        let tasks = TaskTracker::new();
        let mut reader: QueueReader<H::Job> = self.queue.reader(&self.consumer);
        let mut last_take_over = Instant::now();
        while let Some(turn) = self.next_turn(&slots).await {
            // The slot in hand, and those that are free besides.
            let room = 1 + slots.free();
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
                tracing::warn!(jobs = tasks.len(), "abandoned what could be neither finished nor handed back");
            }
        }
    }

    /// A slot to run one more job, once the breaker is closed; `None` on shutdown.
    async fn next_turn(&self, slots: &Arc<Slots>) -> Option<Turn> {
        let turn = async {
            self.breaker.closed().await;
            slots.turn().await
        };
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => None,
            turn = turn => turn,
        }
    }

    async fn start(
        &self,
        deliveries: Vec<Delivery<H::Job>>,
        turn: Turn,
        slots: &Arc<Slots>,
        tasks: &TaskTracker,
    ) {
        let mut turn = Some(turn);
        for Delivery { id, payload } in deliveries {
            let job = match payload {
                Payload::Job(job) => Some(job),
                Payload::UnknownVersion(version) => {
                    // Not finished: it stays in the queue for a worker that can read it.
                    tracing::warn!(
                        job = id,
                        version,
                        "left a job of a version that this worker does not know"
                    );
                    continue;
                }
                Payload::Unreadable => None,
            };
            let turn = match turn.take() {
                Some(turn) => turn,
                // Seldom waits: it has asked for no more jobs than slots were free.
                None => match slots.turn().await {
                    Some(turn) => turn,
                    None => return,
                },
            };
            let (handler, queue, breaker) = (self.handler.clone(), self.queue.clone(), self.breaker.clone());
            tasks.spawn(async move {
                let _running = Running::begin(H::Job::QUEUE);
                match job {
                    Some(job) => match handler.handle(job, turn).await {
                        Verdict::Finished => breaker.succeeded(),
                        Verdict::Outage(outage) => breaker.trip(&outage),
                    },
                    None => tracing::error!(job = id, "a job that cannot be read was dropped"),
                }
                if let Err(error) = queue.finish(H::Job::QUEUE, &[id]).await {
                    breaker.trip(&Outage::new(Dependency::Redis, error));
                }
            });
        }
    }
}

/// Counts a job as running until it is dropped.
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
