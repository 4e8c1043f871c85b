//! Claims a chunk, processes it under its lease, and decides what follows when that fails.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bulk_core::action::ActionStatus;
use bulk_core::config::WorkerConfig;
use bulk_core::db::{self, Bell, ChunkClaim, DbError, FinishedChunk, RetryPolicy};
use bulk_core::dependencies::Dependencies;
use bulk_core::queue::ChunkJob;
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::metrics::{ACTION_DURATION, CHUNK_DURATION, CHUNKS, RETRIES};
use bulk_core::telemetry::trace::TraceContext;
use bulk_core::worker::{Handler, LeaseKeeper, SLICE, Turn, Verdict, delay_after};
use futures::FutureExt;
use tracing::Instrument;

use crate::process_chunk::{ChunkError, process_chunk};

const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
/// After contention; doubled each time. What stood in the way is one chunk's transaction.
const FIRST_CONTENTION_DELAY: Duration = Duration::from_millis(200);
/// The longest wait after contention: who has lost many races should not lose its place as well.
const LONGEST_CONTENTION_DELAY: Duration = Duration::from_secs(5);
/// Attempts that met contention before the log says so as a warning.
const MUCH_CONTENTION: u32 = 10;

/// Processes chunks.
pub struct ProcessingHandler {
    /// What it stands on.
    pub dependencies: Dependencies,
    /// Its name as a lease owner.
    pub owner: String,
    /// Its settings.
    pub config: WorkerConfig,
    /// Asks for the end.
    pub shutdown: Shutdown,
    /// How long after that a chunk may still take; then it is handed back.
    pub patience: Duration,
    /// Account that was served last.
    pub served: Mutex<String>,
}

#[async_trait]
impl Handler for ProcessingHandler {
    type Job = ChunkJob;

    async fn handle(&self, _: ChunkJob, turn: Turn) -> Verdict {
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
                self.ring(&finished.bells).await;
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
        let keeper = LeaseKeeper::start(self.config.lease, move || {
            let (pool, lease) = (pool.clone(), lease.clone());
            async move { db::renew_chunk(&pool, &lease, lease_ms).await }
        });
        // A panic is a failure of the chunk like any other: caught, it counts towards `dead`; uncaught, the lease would run
        // out and the next worker would panic in turn, for ever.
        let work = process_chunk(&self.dependencies, claim, self.max_in_flight(), self.config.lease);
        // A chunk that is known to take long makes room at once.
        let slice = if claim.slow { Duration::ZERO } else { SLICE };
        let others_wait = || async {
            let waiting = db::accounts_wait_for_a_slot(&self.dependencies.pool).await;
            waiting.inspect_err(|error| tracing::debug!(%error, "could not ask who waits")).unwrap_or(false)
        };
        tokio::select! {
            result = AssertUnwindSafe(work).catch_unwind() => result.unwrap_or(Err(ChunkError::Panicked)),
            () = turn.overrun(slice, others_wait) => Err(ChunkError::Overrun),
            () = keeper.lost() => {
                let _ = db::chunk_lease_survived(&self.dependencies.pool, &claim.lease).await;
                Err(DbError::Fenced.into())
            }
            () = self.shutdown.out_of_time(self.patience) => Err(ChunkError::OutOfTime),
        }
    }

    /// Nothing of the chunk was committed; what follows depends on whose fault that was.
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

    /// Tries the chunk again a moment later. It met another transaction's locks, which is no failure of anything.
    async fn defer(&self, claim: &ChunkClaim, error: &DbError) -> Verdict {
        let attempts = claim.contended + 1;
        let delay = delay_after(attempts, FIRST_CONTENTION_DELAY).min(LONGEST_CONTENTION_DELAY);
        metrics::counter!(CHUNKS, "result" => "contended").increment(1);
        if attempts.is_multiple_of(MUCH_CONTENTION) {
            tracing::warn!(%error, attempts, "a chunk meets the locks of others again and again");
        } else {
            tracing::debug!(%error, attempts, "a chunk met the locks of others");
        }
        let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        match db::defer_chunk(&self.dependencies.pool, &claim.lease, delay_ms).await {
            Ok(true) => Verdict::Finished,
            Ok(false) => leave(),
            Err(error) => Verdict::after(&error.into(), "could not put a chunk back; its lease will run out"),
        }
    }

    /// Another worker, or this one after the outage, can start at once. If this fails as well, the lease runs out.
    async fn hand_back(&self, claim: &ChunkClaim, slow: bool) {
        metrics::counter!(CHUNKS, "result" => "handed_back").increment(1);
        if let Ok(Some(bell)) = db::hand_back_chunk(&self.dependencies.pool, &claim.lease, slow).await {
            self.ring(&[bell]).await;
        }
    }

    async fn count_failure(&self, claim: &ChunkClaim, error: &ChunkError) -> Verdict {
        let failures = claim.failures + 1;
        let delay = delay_after(failures, FIRST_RETRY_DELAY);
        let retry = RetryPolicy {
            max_failures: self.config.max_chunk_attempts,
            delay_ms: i64::try_from(delay.as_millis()).unwrap_or(i64::MAX),
        };
        let dead = failures >= self.config.max_chunk_attempts;
        let message = error.to_string();
        let counted =
            db::fail_chunk(&self.dependencies.pool, &claim.lease, &message, retry, self.max_in_flight())
                .await;
        if matches!(counted, Err(DbError::Fenced)) {
            return leave();
        }
        tracing::error!(%error, failures, dead, "a chunk failed");
        let result = if dead { "dead" } else { "failed" };
        metrics::counter!(CHUNKS, "result" => result).increment(1);
        metrics::counter!(RETRIES).increment(u64::from(!dead));
        match counted {
            Ok(bells) => {
                self.ring(&bells).await;
                Verdict::Finished
            }
            Err(error) => {
                Verdict::after(&error, "could not record a chunk's failure; its lease will run out")
            }
        }
    }

    /// A bell that cannot be rung is no failure of the work: the reconciler will ring.
    async fn ring(&self, bells: &[Bell]) {
        if let Err(error) = self.dependencies.queue.ring(bells).await {
            tracing::warn!(%error, bells = bells.len(), "could not ring; the reconciler will");
        }
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.config.lease.as_millis()).unwrap_or(i64::MAX)
    }

    fn max_in_flight(&self) -> i64 {
        self.config.max_chunks_in_flight_per_account.into()
    }
}

/// Nothing is to be given back: whoever ended the lease has put the chunk where it belongs.
fn leave() -> Verdict {
    tracing::info!("left a chunk: its action is paused or over, or another worker has it");
    metrics::counter!(CHUNKS, "result" => "left").increment(1);
    Verdict::Finished
}
