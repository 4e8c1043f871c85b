//! Claims a file, cuts it under its lease, and decides what follows when that fails.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use bulk_core::config::Config;
use bulk_core::db::{self, Bell, ChunkingClaim, ChunkingLease, DbError, RetryPolicy};
use bulk_core::dependencies::Dependencies;
use bulk_core::queue::{ChunkingJob, Job};
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::trace::TraceContext;
use bulk_core::worker::{Handler, LeaseKeeper, Verdict, delay_after};
use futures::FutureExt;
use tracing::Instrument;

use crate::pipeline::{ChunkingError, chunk_file};
use crate::writer::ring;

/// Files of one account that are read at a time, over all workers; the rest of the workers' room is for others.
const MAX_FILES_PER_ACCOUNT: i64 = 1;
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Cuts files into chunks.
pub struct ChunkingHandler {
    /// What it stands on.
    pub dependencies: Dependencies,
    /// Its name as a lease owner.
    pub owner: String,
    /// Its settings.
    pub config: Config,
    /// Ends the reading between two rows.
    pub shutdown: Shutdown,
}

enum Ended {
    Chunked(Result<(), ChunkingError>),
    LeaseLost,
    ShuttingDown,
}

#[async_trait]
impl Handler for ChunkingHandler {
    type Job = ChunkingJob;

    async fn handle(&self, job: ChunkingJob) -> Verdict {
        let trace = TraceContext::from_traceparent(job.traceparent()).unwrap_or_else(TraceContext::new);
        let span = tracing::info_span!(
            "chunking",
            traceId = %trace.trace_id(),
            actionId = %job.action_id,
            accountId = tracing::field::Empty
        );
        self.claim_and_chunk(job).instrument(span).await
    }
}

impl ChunkingHandler {
    async fn claim_and_chunk(&self, job: ChunkingJob) -> Verdict {
        let (pool, lease_ms) = (&self.dependencies.pool, self.lease_ms());
        let claim =
            match db::claim_chunking(pool, job.action_id, &self.owner, lease_ms, MAX_FILES_PER_ACCOUNT).await
            {
                Ok(Some(claim)) => claim,
                Ok(None) => return Verdict::Finished,
                Err(error) => return Verdict::after(&error, "could not claim a file"),
            };
        tracing::Span::current().record("accountId", &claim.account_id);
        let lease = claim.lease.clone();
        let (failures, started) = (claim.failures, std::time::Instant::now());
        tracing::info!(attempt = lease.attempt, rows = claim.total_rows, "reading a file");
        let ended = self.chunk_under_lease(claim).await;
        let verdict = self.conclude(&lease, &job, failures, ended).await;
        tracing::debug!(duration_ms = started.elapsed().as_millis() as u64, "left the file");
        verdict
    }

    async fn chunk_under_lease(&self, claim: ChunkingClaim) -> Ended {
        let (pool, lease, lease_ms) = (self.dependencies.pool.clone(), claim.lease.clone(), self.lease_ms());
        let keeper = LeaseKeeper::start(self.config.worker.lease, move || {
            let (pool, lease) = (pool.clone(), lease.clone());
            async move { db::renew_chunking(&pool, &lease, lease_ms).await }
        });
        // Caught, a panic counts as a failure; uncaught, the next worker would panic in turn, for ever.
        let work = AssertUnwindSafe(chunk_file(&self.dependencies, &self.config, claim)).catch_unwind();
        tokio::select! {
            result = work => Ended::Chunked(result.unwrap_or(Err(ChunkingError::Panicked))),
            () = keeper.lost() => Ended::LeaseLost,
            () = self.shutdown.cancelled() => Ended::ShuttingDown,
        }
    }

    /// `failures` is how many runs have failed before.
    async fn conclude(
        &self,
        lease: &ChunkingLease,
        job: &ChunkingJob,
        failures: u32,
        ended: Ended,
    ) -> Verdict {
        let pool = &self.dependencies.pool;
        let concluded = match ended {
            Ended::Chunked(Ok(())) => {
                tracing::info!("the whole file is cut into chunks");
                db::finish_chunking(pool, lease, self.max_in_flight()).await
            }
            Ended::LeaseLost => Err(DbError::Fenced),
            Ended::ShuttingDown => {
                tracing::info!("handing a file back: stopping");
                self.hand_back(lease, job).await.map(|()| Vec::new())
            }
            Ended::Chunked(Err(error)) if error.is_fenced() => Err(DbError::Fenced),
            Ended::Chunked(Err(ChunkingError::File(sentence))) => {
                tracing::warn!(reason = sentence, "the file is refused");
                db::refuse_file(pool, lease, "file_refused", &sentence, self.max_in_flight()).await
            }
            Ended::Chunked(Err(error)) => {
                if let Some(outage) = error.outage() {
                    let _ = self.hand_back(lease, job).await;
                    return Verdict::Outage(outage);
                }
                self.count_failure(lease, failures, &error).await
            }
        };
        match concluded {
            Ok(bells) => {
                ring(&self.dependencies, &bells).await;
                Verdict::Finished
            }
            Err(DbError::Fenced) => {
                tracing::info!("left a file: paused, over, or taken by another worker");
                Verdict::Finished
            }
            Err(error) => Verdict::after(&error, "could not record how reading a file ended"),
        }
    }

    async fn count_failure(
        &self,
        lease: &ChunkingLease,
        failures: u32,
        error: &ChunkingError,
    ) -> Result<Vec<Bell>, DbError> {
        let delay = delay_after(failures + 1, FIRST_RETRY_DELAY);
        let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        let retry = RetryPolicy { max_failures: self.config.worker.max_chunk_attempts, delay_ms };
        let pool = &self.dependencies.pool;
        let counted = db::fail_chunking(pool, lease, &error.to_string(), retry, self.max_in_flight()).await;
        // A run whose action was paused or cancelled meanwhile has not failed.
        if !matches!(counted, Err(DbError::Fenced)) {
            tracing::error!(%error, failures = failures + 1, "reading the file failed");
        }
        counted
    }

    /// Another worker, or this one after the outage, can start at once.
    async fn hand_back(&self, lease: &ChunkingLease, job: &ChunkingJob) -> Result<(), DbError> {
        db::hand_back_chunking(&self.dependencies.pool, lease).await?;
        let bell = Bell::Chunking { action_id: job.action_id, traceparent: job.traceparent.clone() };
        ring(&self.dependencies, &[bell]).await;
        Ok(())
    }

    fn max_in_flight(&self) -> i64 {
        self.config.worker.max_chunks_in_flight_per_account.into()
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.config.worker.lease.as_millis()).unwrap_or(i64::MAX)
    }
}
