//! Claims a file, cuts it under its lease, and decides what follows when that fails.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bulk_core::config::Config;
use bulk_core::db::{self, Bell, ChunkingClaim, ChunkingLease, DbError, FileShare, RetryPolicy};
use bulk_core::dependencies::Dependencies;
use bulk_core::queue::ChunkingJob;
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::trace::TraceContext;
use bulk_core::worker::{Handler, LeaseKeeper, Turn, Verdict, delay_after};
use futures::FutureExt;
use tracing::Instrument;

use crate::pipeline::{ChunkingError, Pause, chunk_file};
use crate::writer::ring;

/// Files of one account that are read at a time, over all workers; the rest of the workers' room is for others.
const MAX_FILES_PER_ACCOUNT: i64 = 1;
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
const CONTENTION_DELAY: Duration = Duration::from_millis(500);
/// A file up to this size is read within a slice of time, so it never has to stop in the middle, and is always let in.
const SMALL_FILE_BYTES: u64 = 1024 * 1024;
/// Readings of larger files that may be stopped at a time, beside those that run: each holds its open chunks, and with
/// `deduplicate` its keys, in memory. Where they are as many, only small files are let in.
const LARGE_FILES_STOPPED: usize = 4;

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
    /// Account that was served last.
    pub served: Mutex<String>,
    /// Larger files being read, running and stopped.
    pub large_files: AtomicUsize,
}

enum Ended {
    Chunked(Result<(), ChunkingError>),
    LeaseLost,
    ShuttingDown,
}

#[async_trait]
impl Handler for ChunkingHandler {
    type Job = ChunkingJob;

    async fn handle(&self, _: ChunkingJob, turn: Turn) -> Verdict {
        let after = self.served.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let share = FileShare { max_per_account: MAX_FILES_PER_ACCOUNT, max_bytes: self.max_file_bytes() };
        let (pool, lease_ms) = (&self.dependencies.pool, self.lease_ms());
        let claim = match db::claim_chunking(pool, &self.owner, lease_ms, share, &after).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return Verdict::Finished,
            Err(error) => return Verdict::after(&error, "could not claim a file"),
        };
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&claim.account_id);
        let trace = TraceContext::from_traceparent(&claim.traceparent).unwrap_or_else(TraceContext::new);
        let span = tracing::info_span!(
            "chunking",
            traceId = %trace.trace_id(),
            actionId = %claim.lease.action_id,
            accountId = claim.account_id
        );
        self.chunk(claim, turn).instrument(span).await
    }
}

impl ChunkingHandler {
    async fn chunk(&self, claim: ChunkingClaim, mut turn: Turn) -> Verdict {
        let lease = claim.lease.clone();
        let (failures, started) = (claim.failures, std::time::Instant::now());
        tracing::info!(attempt = lease.attempt, rows = claim.total_rows, "reading a file");
        let bell = Bell::Chunking { action_id: lease.action_id, traceparent: claim.traceparent.clone() };
        let large = (claim.file_size_bytes > SMALL_FILE_BYTES).then(|| LargeFile::new(&self.large_files));
        let ended = self.chunk_under_lease(claim, large.is_some(), &mut turn).await;
        drop(large);
        let verdict = self.conclude(&lease, bell, failures, ended).await;
        tracing::debug!(duration_ms = started.elapsed().as_millis() as u64, "left the file");
        verdict
    }

    async fn chunk_under_lease(&self, claim: ChunkingClaim, large: bool, turn: &mut Turn) -> Ended {
        let (pool, lease, lease_ms) = (self.dependencies.pool.clone(), claim.lease.clone(), self.lease_ms());
        let keeper = LeaseKeeper::start(self.config.worker.lease, move || {
            let (pool, lease) = (pool.clone(), lease.clone());
            async move { db::renew_chunking(&pool, &lease, lease_ms).await }
        });
        // Caught, a panic counts as a failure; uncaught, the next worker would panic in turn, for ever.
        let mut pause = Slices { handler: self, turn, large };
        let work = chunk_file(&self.dependencies, &self.config, claim, &mut pause);
        let work = AssertUnwindSafe(work).catch_unwind();
        tokio::select! {
            result = work => Ended::Chunked(result.unwrap_or(Err(ChunkingError::Panicked))),
            () = keeper.lost() => Ended::LeaseLost,
            () = self.shutdown.cancelled() => Ended::ShuttingDown,
        }
    }

    /// `failures` is how many runs have failed before.
    async fn conclude(&self, lease: &ChunkingLease, bell: Bell, failures: u32, ended: Ended) -> Verdict {
        let pool = &self.dependencies.pool;
        let concluded = match ended {
            Ended::Chunked(Ok(())) => {
                tracing::info!("the whole file is cut into chunks");
                db::finish_chunking(pool, lease, self.max_in_flight()).await
            }
            Ended::LeaseLost => {
                let _ = db::chunking_lease_survived(pool, lease).await;
                Err(DbError::Fenced)
            }
            Ended::ShuttingDown => {
                tracing::info!("handing a file back: stopping");
                self.hand_back(lease, Duration::ZERO).await.map(|()| vec![bell])
            }
            Ended::Chunked(Err(error)) if error.is_fenced() => Err(DbError::Fenced),
            Ended::Chunked(Err(ChunkingError::File(sentence))) => {
                tracing::warn!(reason = sentence, "the file is refused");
                db::refuse_file(pool, lease, "file_refused", &sentence, self.max_in_flight()).await
            }
            Ended::Chunked(Err(error)) if error.is_contention() => {
                tracing::warn!(%error, "handing a file back: its action's row is in use");
                self.hand_back(lease, CONTENTION_DELAY).await.map(|()| Vec::new())
            }
            Ended::Chunked(Err(error)) => {
                if let Some(outage) = error.outage() {
                    if self.hand_back(lease, Duration::ZERO).await.is_ok() {
                        ring(&self.dependencies, &[bell]).await;
                    }
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

    /// Another worker, or this one after the outage, can start after the delay.
    async fn hand_back(&self, lease: &ChunkingLease, delay: Duration) -> Result<(), DbError> {
        let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        Ok(db::hand_back_chunking(&self.dependencies.pool, lease, delay_ms).await?)
    }

    /// Whether another account's file waits that this worker could read.
    async fn others_wait(&self) -> bool {
        let waiting = db::files_wait_for_a_slot(&self.dependencies.pool, self.max_file_bytes()).await;
        waiting.inspect_err(|error| tracing::debug!(%error, "could not ask who waits")).unwrap_or(false)
    }

    /// The largest file that may be let in.
    fn max_file_bytes(&self) -> i64 {
        let most = self.config.worker.chunking_concurrency + LARGE_FILES_STOPPED;
        let is_full = self.large_files.load(Ordering::Relaxed) >= most;
        if is_full { i64::try_from(SMALL_FILE_BYTES).unwrap_or(i64::MAX) } else { i64::MAX }
    }

    fn max_in_flight(&self) -> i64 {
        self.config.worker.max_chunks_in_flight_per_account.into()
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.config.worker.lease.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Lends the slot of a large file between two slices of its reading.
struct Slices<'a> {
    handler: &'a ChunkingHandler,
    turn: &'a mut Turn,
    large: bool,
}

#[async_trait]
impl Pause for Slices<'_> {
    async fn pause(&mut self) {
        if self.large {
            let handler = self.handler;
            self.turn.lend(|| handler.others_wait()).await;
        }
    }
}

/// Counts a large file as being read until it is dropped.
struct LargeFile<'a>(&'a AtomicUsize);

impl<'a> LargeFile<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for LargeFile<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
