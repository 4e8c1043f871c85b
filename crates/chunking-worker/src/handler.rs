//! Claims a file, cuts it under its lease, and handles the result.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bulk_core::config::Config;
use bulk_core::db::{self, DbError, FileClaim, FileLease, FileShare, RetryPolicy};
use bulk_core::dependencies::Dependencies;
use bulk_core::millis;
use bulk_core::queue::{Job, QueueName};
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::trace::TraceContext;
use bulk_core::worker::{Handler, Panicked, Turn, Verdict, delay_after, under_lease};
use tracing::Instrument;

use crate::chunk_file::{FileError, Pause, chunk_file};

/// Files of one account read concurrently over all workers; the remaining slots are for other accounts.
const MAX_FILES_PER_ACCOUNT: i64 = 1;
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
const CONTENTION_DELAY: Duration = Duration::from_millis(500);
/// A file up to this size is read within one slice of time, so it never has to pause and is always accepted.
const SMALL_FILE_BYTES: u64 = 1024 * 1024;
/// Larger files that may be paused, beside those that are running. Each holds its open chunks in memory, and with
/// `deduplicate` its keys. At this number only small files are accepted.
const LARGE_FILES_STOPPED: usize = 4;

/// Cuts files into chunks.
pub(crate) struct ChunkingHandler {
    /// PostgreSQL, Redis and S3.
    pub dependencies: Dependencies,
    /// Name as a lease owner.
    pub owner: String,
    /// Settings.
    pub config: Config,
    /// Stops reading between two rows.
    pub shutdown: Shutdown,
    /// Account served last.
    pub served: Mutex<String>,
    /// Larger files being read, running or paused.
    pub large_files: AtomicUsize,
}

enum Ended {
    Chunked(Result<(), FileError>),
    LeaseLost,
    ShuttingDown,
}

#[async_trait]
impl Handler for ChunkingHandler {
    const QUEUE: QueueName = QueueName::Chunking;

    async fn handle(&self, turn: Turn) -> Verdict {
        let after = self.served.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let share = FileShare { max_per_account: MAX_FILES_PER_ACCOUNT, max_bytes: self.max_file_bytes() };
        let (pool, lease_ms) = (&self.dependencies.pool, self.lease_ms());
        let claim = match db::claim_file(pool, &self.owner, lease_ms, share, &after).await {
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
    async fn chunk(&self, claim: FileClaim, mut turn: Turn) -> Verdict {
        let lease = claim.lease.clone();
        let (failures, started) = (claim.failures, std::time::Instant::now());
        tracing::info!(attempt = lease.attempt, rows = claim.total_rows, "reading a file");
        let bell = Job::File { action_id: lease.action_id, traceparent: claim.traceparent.clone() };
        let large = (claim.file_size_bytes > SMALL_FILE_BYTES).then(|| LargeFile::new(&self.large_files));
        let ended = self.chunk_under_lease(claim, large.is_some(), &mut turn).await;
        drop(large);
        let verdict = self.conclude(&lease, bell, failures, ended).await;
        tracing::debug!(duration_ms = started.elapsed().as_millis() as u64, "stopped reading the file");
        verdict
    }

    async fn chunk_under_lease(&self, claim: FileClaim, large: bool, turn: &mut Turn) -> Ended {
        let (pool, lease, lease_ms) = (self.dependencies.pool.clone(), claim.lease.clone(), self.lease_ms());
        let renew = move || {
            let (pool, lease) = (pool.clone(), lease.clone());
            async move { db::renew_file(&pool, &lease, lease_ms).await }
        };
        let mut pause = Slices { handler: self, turn, large };
        let work = chunk_file(&self.dependencies, &self.config, claim, &mut pause);
        tokio::select! {
            ended = under_lease(self.config.worker.lease, renew, work) => match ended {
                Ok(Some(result)) => Ended::Chunked(result),
                Ok(None) => Ended::LeaseLost,
                Err(Panicked) => Ended::Chunked(Err(FileError::Panicked)),
            },
            () = self.shutdown.cancelled() => Ended::ShuttingDown,
        }
    }

    /// Handles the result of a run. `failures` is the number of earlier failed runs.
    async fn conclude(&self, lease: &FileLease, bell: Job, failures: u32, ended: Ended) -> Verdict {
        let pool = &self.dependencies.pool;
        let concluded = match ended {
            Ended::Chunked(Ok(())) => {
                tracing::info!("the whole file is cut into chunks");
                db::finish_file(pool, lease, self.max_in_flight()).await
            }
            Ended::LeaseLost => {
                // The lease ran out although this worker is alive, so the run does not count as lost.
                let _ = db::file_lease_survived(pool, lease).await;
                Err(DbError::Fenced)
            }
            Ended::ShuttingDown => {
                tracing::info!("handing a file back: stopping");
                // The bell lets another worker take over at once instead of at the next round of the reconciler.
                self.hand_back(lease, Duration::ZERO).await.map(|()| vec![bell])
            }
            Ended::Chunked(Err(error)) if error.is_fenced() => Err(DbError::Fenced),
            Ended::Chunked(Err(FileError::File(sentence))) => {
                tracing::warn!(reason = sentence, "the file is refused");
                db::refuse_file(pool, lease, "file_refused", &sentence, self.max_in_flight()).await
            }
            Ended::Chunked(Err(error)) if error.is_contention() => {
                // No bell: the reconciler rings it after the delay.
                tracing::warn!(%error, "handing a file back: its action's row is in use");
                self.hand_back(lease, CONTENTION_DELAY).await.map(|()| Vec::new())
            }
            Ended::Chunked(Err(error)) => {
                if let Some(outage) = error.outage() {
                    // An outage is not counted as a failed run: the file is not at fault.
                    if self.hand_back(lease, Duration::ZERO).await.is_ok() {
                        self.dependencies.queue.ring(&[bell]).await;
                    }
                    return Verdict::Outage(outage);
                }
                self.count_failure(lease, failures, &error).await
            }
        };
        match concluded {
            Ok(bells) => {
                self.dependencies.queue.ring(&bells).await;
                Verdict::Finished
            }
            Err(DbError::Fenced) => {
                tracing::info!(
                    "dropped a file: its action is paused or finished, or another worker has the file"
                );
                Verdict::Finished
            }
            Err(error) => Verdict::after(&error, "could not record how reading a file ended"),
        }
    }

    async fn count_failure(
        &self,
        lease: &FileLease,
        failures: u32,
        error: &FileError,
    ) -> Result<Vec<Job>, DbError> {
        let delay = delay_after(failures + 1, FIRST_RETRY_DELAY);
        let delay_ms = millis(delay);
        let retry = RetryPolicy { max_failures: self.config.worker.max_chunk_attempts, delay_ms };
        let pool = &self.dependencies.pool;
        let counted = db::fail_file(pool, lease, &error.to_string(), retry, self.max_in_flight()).await;
        // A run whose action was paused or cancelled in the meantime has not failed.
        if !matches!(counted, Err(DbError::Fenced)) {
            tracing::error!(%error, failures = failures + 1, "reading the file failed");
        }
        counted
    }

    /// Returns the lease, so that another run can start after the delay.
    async fn hand_back(&self, lease: &FileLease, delay: Duration) -> Result<(), DbError> {
        let delay_ms = millis(delay);
        Ok(db::hand_back_file(&self.dependencies.pool, lease, delay_ms).await?)
    }

    /// True if another account's file waits that this worker could read.
    async fn others_wait(&self) -> bool {
        let waiting = db::files_wait_for_a_slot(&self.dependencies.pool, self.max_file_bytes()).await;
        waiting
            .inspect_err(|error| tracing::debug!(%error, "could not query waiting accounts"))
            .unwrap_or(false)
    }

    /// Size limit of the next file.
    fn max_file_bytes(&self) -> i64 {
        let most = self.config.worker.chunking_concurrency + LARGE_FILES_STOPPED;
        let is_full = self.large_files.load(Ordering::Relaxed) >= most;
        if is_full { i64::try_from(SMALL_FILE_BYTES).unwrap_or(i64::MAX) } else { i64::MAX }
    }

    fn max_in_flight(&self) -> i64 {
        self.config.worker.max_chunks_in_flight_per_account.into()
    }

    fn lease_ms(&self) -> i64 {
        millis(self.config.worker.lease)
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

/// Counts a large file as being read until dropped.
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
