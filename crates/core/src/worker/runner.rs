//! Reads a queue and hands its jobs to a handler, a bounded number at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Breaker;
use crate::db::DbError;
use crate::health::{Dependency, Outage};
use crate::queue::{Delivery, Job, Queue, QueueName, QueueReader};
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::{JOB_SLOTS, JOBS_RUNNING};

/// How often jobs of dead consumers are looked for, and how long a job must have been with its consumer.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(10);
const TAKE_OVER_IDLE: Duration = Duration::from_secs(60);

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

    /// Claims the work that the job names, and does it. Must not block, should stop soon once its lease is lost, and
    /// hands back what it holds when a stop was asked for and the time to finish it is out.
    async fn handle(&self, job: Self::Job) -> Verdict;
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
        let permits = Arc::new(Semaphore::new(self.concurrency));
        metrics::gauge!(JOB_SLOTS, "queue" => H::Job::QUEUE.as_str()).set(self.concurrency as f64);
        metrics::gauge!(JOBS_RUNNING, "queue" => H::Job::QUEUE.as_str()).set(0);
        let tasks = TaskTracker::new();
        let mut reader: QueueReader<H::Job> = self.queue.reader(&self.consumer);
        let mut last_take_over = Instant::now();
        while let Some(permit) = self.next_turn(&permits).await {
            // The permit in hand, and those that are free besides.
            let room = 1 + permits.available_permits();
            let take_over = last_take_over.elapsed() >= TAKE_OVER_EVERY;
            let read = if take_over {
                last_take_over = Instant::now();
                reader.take_over(TAKE_OVER_IDLE, room).await
            } else {
                reader.read(room).await
            };
            match read {
                Ok(deliveries) => self.start(deliveries, permit, &permits, &tasks).await,
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

    /// A permit to run one more job, once the breaker is closed; `None` on shutdown.
    async fn next_turn(&self, permits: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        let turn = async {
            self.breaker.closed().await;
            permits.clone().acquire_owned().await.ok()
        };
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => None,
            permit = turn => permit,
        }
    }

    async fn start(
        &self,
        deliveries: Vec<Delivery<H::Job>>,
        permit: OwnedSemaphorePermit,
        permits: &Arc<Semaphore>,
        tasks: &TaskTracker,
    ) {
        let mut permit = Some(permit);
        for Delivery { id, job } in deliveries {
            let permit = match permit.take() {
                Some(permit) => permit,
                // Never waits: only this loop takes permits, and it has asked for no more jobs than were free.
                None => match permits.clone().acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => return,
                },
            };
            let (handler, queue, breaker) = (self.handler.clone(), self.queue.clone(), self.breaker.clone());
            tasks.spawn(async move {
                let _running = Running::begin(H::Job::QUEUE);
                match job {
                    Some(job) => match handler.handle(job).await {
                        Verdict::Finished => breaker.succeeded(),
                        Verdict::Outage(outage) => breaker.trip(&outage),
                    },
                    None => tracing::error!(job = id, "a job that cannot be read was dropped"),
                }
                if let Err(error) = queue.finish(H::Job::QUEUE, &[id]).await {
                    breaker.trip(&Outage::new(Dependency::Redis, error));
                }
                drop(permit);
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
