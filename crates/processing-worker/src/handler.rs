//! Claims a chunk, processes it under its lease, and handles the result.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bulk_core::action::ActionStatus;
use bulk_core::config::WorkerConfig;
use bulk_core::db::{self, ChunkClaim, DbError, FinishedChunk, RetryPolicy};
use bulk_core::dependencies::Dependencies;
use bulk_core::millis;
use bulk_core::queue::QueueName;
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::metrics::{ACTION_DURATION, CHUNK_DURATION, CHUNKS, RETRIES};
use bulk_core::telemetry::trace::TraceContext;
use bulk_core::worker::{Handler, Panicked, SLICE, Turn, Verdict, delay_after, under_lease};
use tracing::Instrument;

use crate::process_chunk::{ChunkError, process_chunk};

const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
/// First delay after contention, doubled each time. The conflicting transaction is usually that of one other chunk.
const FIRST_CONTENTION_DELAY: Duration = Duration::from_millis(200);
/// Longest delay after contention, so that a chunk that lost many races does not also wait long.
const LONGEST_CONTENTION_DELAY: Duration = Duration::from_secs(5);
/// Attempts that met contention after which the log has a warning.
const MUCH_CONTENTION: u32 = 10;

/// Processes chunks.
pub(crate) struct ProcessingHandler {
    /// PostgreSQL, Redis and S3.
    pub dependencies: Dependencies,
    /// Name as a lease owner.
    pub owner: String,
    /// Settings.
    pub config: WorkerConfig,
    /// Shutdown signal.
    pub shutdown: Shutdown,
    /// Time to finish a chunk after the shutdown signal; then it is handed back.
    pub patience: Duration,
    /// Account served last.
    pub served: Mutex<String>,
}

#[async_trait]
impl Handler for ProcessingHandler {
    const QUEUE: QueueName = QueueName::Processing;

    async fn handle(&self, turn: Turn) -> Verdict {
        let after = self.served.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let claim = db::claim_chunk(&self.dependencies.pool, &self.owner, self.lease_ms(), &after).await;
        let claim = match claim {
            Ok(Some(claim)) => claim,
            Ok(None) => return Verdict::Finished,
            Err(error) => return Verdict::after(&error.into(), "could not claim a chunk"),
        };
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&claim.account_id);
        let trace = TraceContext::from_traceparent(&claim.traceparent).unwrap_or_else(TraceContext::new);
        let chunk = claim.lease.chunk;
        let span = tracing::info_span!(
            "processing",
            traceId = %trace.trace_id(),
            actionId = %chunk.action_id,
            partition = chunk.partition,
            seq = chunk.seq,
            accountId = claim.account_id
        );
        self.process(claim, turn).instrument(span).await
    }
}

impl ProcessingHandler {
    async fn process(&self, claim: ChunkClaim, mut turn: Turn) -> Verdict {
        let started = Instant::now();
        match self.process_under_lease(&claim, &mut turn).await {
            Ok(finished) => {
                metrics::histogram!(CHUNK_DURATION).record(started.elapsed().as_secs_f64());
                metrics::counter!(CHUNKS, "result" => "done").increment(1);
                tracing::debug!(
                    duration_ms = started.elapsed().as_millis() as u64,
                    rows = claim.row_count,
                    "chunk done"
                );
                if finished.status == ActionStatus::Completed {
                    metrics::histogram!(ACTION_DURATION).record(finished.action_age_seconds);
                    tracing::info!("every row of the action has its outcome");
                }
                self.dependencies.queue.ring(&finished.bells).await;
                Verdict::Finished
            }
            Err(error) => self.put_aside(&claim, error).await,
        }
    }

    async fn process_under_lease(
        &self,
        claim: &ChunkClaim,
        turn: &mut Turn,
    ) -> Result<FinishedChunk, ChunkError> {
        let (pool, lease, lease_ms) = (self.dependencies.pool.clone(), claim.lease.clone(), self.lease_ms());
        let renew = move || {
            let (pool, lease) = (pool.clone(), lease.clone());
            async move { db::renew_chunk(&pool, &lease, lease_ms).await }
        };
        let work = process_chunk(&self.dependencies, claim, self.max_in_flight(), self.config.lease);
        // A chunk that is known to be slow releases its slot as soon as others wait.
        let slice = if claim.slow { Duration::ZERO } else { SLICE };
        let others_wait = || async {
            let waiting = db::accounts_wait_for_a_slot(&self.dependencies.pool).await;
            waiting
                .inspect_err(|error| tracing::debug!(%error, "could not query waiting accounts"))
                .unwrap_or(false)
        };
        tokio::select! {
            ended = under_lease(self.config.lease, renew, work) => match ended {
                Ok(Some(result)) => result,
                Ok(None) => {
                    // The lease ran out although this worker is alive, so the attempt does not count as lost.
                    let _ = db::chunk_lease_survived(&self.dependencies.pool, &claim.lease).await;
                    Err(DbError::Fenced.into())
                }
                Err(Panicked) => Err(ChunkError::Panicked),
            },
            // Dropping the work rolls its transaction back, so the other accounts do not wait for its locks either.
            () = turn.overrun(slice, others_wait) => Err(ChunkError::Overrun),
            () = self.shutdown.out_of_time(self.patience) => Err(ChunkError::OutOfTime),
        }
    }

    /// Handles an error. Nothing of the chunk was committed; the next step depends on the cause.
    async fn put_aside(&self, claim: &ChunkClaim, error: ChunkError) -> Verdict {
        if matches!(error, ChunkError::Database(DbError::Fenced)) {
            return leave();
        }
        if let Some(outage) = error.outage() {
            self.hand_back(claim, claim.slow).await;
            return Verdict::Outage(outage);
        }
        match error {
            ChunkError::OutOfTime => {
                tracing::info!("handing a chunk back: stopping");
                self.hand_back(claim, claim.slow).await;
                Verdict::Finished
            }
            ChunkError::Overrun => {
                tracing::info!("handing a chunk back: it takes long, and others wait");
                self.hand_back(claim, true).await;
                Verdict::Finished
            }
            ChunkError::Database(error) if error.is_contention() => self.defer(claim, &error).await,
            error => self.count_failure(claim, &error).await,
        }
    }

    /// Requeues the chunk after a short delay. It met the locks of another transaction, which is not a failure.
    async fn defer(&self, claim: &ChunkClaim, error: &DbError) -> Verdict {
        let attempts = claim.contended + 1;
        let delay = delay_after(attempts, FIRST_CONTENTION_DELAY).min(LONGEST_CONTENTION_DELAY);
        metrics::counter!(CHUNKS, "result" => "contended").increment(1);
        if attempts.is_multiple_of(MUCH_CONTENTION) {
            tracing::warn!(%error, attempts, "a chunk keeps meeting contention");
        } else {
            tracing::debug!(%error, attempts, "a chunk met contention");
        }
        match db::defer_chunk(&self.dependencies.pool, &claim.lease, millis(delay)).await {
            Ok(true) => Verdict::Finished,
            Ok(false) => leave(),
            Err(error) => Verdict::after(&error.into(), "could not put a chunk back; its lease will run out"),
        }
    }

    /// Returns the lease, so that another attempt can start at once. If this fails too, the lease runs out.
    async fn hand_back(&self, claim: &ChunkClaim, slow: bool) {
        metrics::counter!(CHUNKS, "result" => "handed_back").increment(1);
        if let Ok(Some(bell)) = db::hand_back_chunk(&self.dependencies.pool, &claim.lease, slow).await {
            self.dependencies.queue.ring(&[bell]).await;
        }
    }

    async fn count_failure(&self, claim: &ChunkClaim, error: &ChunkError) -> Verdict {
        let failures = claim.failures + 1;
        let delay = delay_after(failures, FIRST_RETRY_DELAY);
        let retry = RetryPolicy { max_failures: self.config.max_chunk_attempts, delay_ms: millis(delay) };
        let dead = failures >= self.config.max_chunk_attempts;
        let message = error.to_string();
        let counted =
            db::fail_chunk(&self.dependencies.pool, &claim.lease, &message, retry, self.max_in_flight())
                .await;
        // The lease has ended, so this failure is not counted.
        if matches!(counted, Err(DbError::Fenced)) {
            return leave();
        }
        tracing::error!(%error, failures, dead, "a chunk failed");
        let result = if dead { "dead" } else { "failed" };
        metrics::counter!(CHUNKS, "result" => result).increment(1);
        metrics::counter!(RETRIES).increment(u64::from(!dead));
        match counted {
            Ok(bells) => {
                self.dependencies.queue.ring(&bells).await;
                Verdict::Finished
            }
            Err(error) => {
                Verdict::after(&error, "could not record a chunk's failure; its lease will run out")
            }
        }
    }

    fn lease_ms(&self) -> i64 {
        millis(self.config.lease)
    }

    fn max_in_flight(&self) -> i64 {
        self.config.max_chunks_in_flight_per_account.into()
    }
}

/// Leaves a chunk whose lease has ended: the transaction that ended it has already moved the chunk.
fn leave() -> Verdict {
    tracing::info!("dropped a chunk: its action is paused or finished, or another worker has the chunk");
    metrics::counter!(CHUNKS, "result" => "left").increment(1);
    Verdict::Finished
}
