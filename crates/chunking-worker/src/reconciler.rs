//! Rings the bell for everything that is due according to PostgreSQL, so that a lost message, a dead worker or an
//! emptied Redis delays work briefly but loses none. Every chunking worker runs one; an advisory lock selects the
//! leader.

use std::time::Duration;

use bulk_core::config::{Config, WorkerConfig};
use bulk_core::db::{self, DbError};
use bulk_core::dependencies::Dependencies;
use bulk_core::queue::{Job, QueueName};
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::metrics::{CHUNKS, LEASES_LOST};
use bulk_core::worker::Breaker;
use sqlx::PgConnection;
use tokio::task::JoinSet;

use crate::clean_up::CleanUp;

/// Advisory lock of the leader: an arbitrary number that nothing else in the database uses.
const LEADER_LOCK: i64 = 0x62_75_6c_6b_2d_72_65_63;
/// Waiting time after which unclaimed work should have a job in its queue.
const SILENCE_MS: i64 = 1_000;
/// Number of jobs up to which a queue is filled: more than all workers together take at a time.
const MOST_JOBS: i64 = 256;
/// Calls of [`db::start_scheduled`] per round.
const SCHEDULED_ROUNDS: usize = 20;
/// Leases of one chunk or file that may run out without a report from the worker. Generous, since workers may also be
/// killed for other reasons, such as a rolling restart.
const MOST_LOST_LEASES: i32 = 5;
/// Timeout of a round: beyond it the round waits for something that will not come, such as a response on a dead
/// connection.
const ROUND_TIMEOUT: Duration = Duration::from_secs(30);
/// Time a round may still take after the shutdown signal. The next leader can repeat everything it does.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause after a failed clean-up. It is never urgent, and the cause may last.
const PAUSE_AFTER_FAILED_CLEAN_UP: Duration = Duration::from_secs(30);

/// The reconciler of one worker.
pub(crate) struct Reconciler {
    dependencies: Dependencies,
    config: WorkerConfig,
    breaker: Breaker,
    clean_up: CleanUp,
}

impl Reconciler {
    /// Creates a reconciler; [`Reconciler::run`] starts it.
    #[must_use]
    pub(crate) fn new(dependencies: Dependencies, config: &Config, breaker: Breaker) -> Self {
        let clean_up = CleanUp::new(dependencies.clone(), config.retention);
        Self { dependencies, config: config.worker.clone(), breaker, clean_up }
    }

    /// Runs a round at every interval until the shutdown. Only the leader does work.
    pub(crate) async fn run(self, shutdown: &Shutdown) {
        // Starts at 0: Prometheus would not see an increase if the counter first appeared as 1.
        metrics::counter!(LEASES_LOST).increment(0);
        metrics::counter!(CHUNKS, "result" => "dead").increment(0);
        // Session locks end with their connection, so the leader's connection must not return to the pool.
        let mut leader: Option<PgConnection> = None;
        // Dropping it at the end aborts the clean-up inside.
        let mut cleaning = JoinSet::new();
        loop {
            tokio::select! {
                () = self.breaker.closed() => {}
                () = shutdown.cancelled() => return,
            }
            leader = tokio::select! {
                leader = self.round(leader, &mut cleaning) => leader,
                () = shutdown.out_of_time(PATIENCE) => return,
            };
            tokio::select! {
                () = tokio::time::sleep(self.config.reconcile_interval) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Becomes the leader if there is none, then does the work that is due. Gives up leadership if that fails.
    async fn round(&self, leader: Option<PgConnection>, cleaning: &mut JoinSet<()>) -> Option<PgConnection> {
        let round = async {
            let leader = self.lead(leader).await?;
            match self.tick().await {
                Ok(()) => {
                    self.clean_up_beside(cleaning);
                    Some(leader)
                }
                Err(error) => {
                    tracing::warn!(%error, "the reconciler could not finish its round");
                    None
                }
            }
        };
        tokio::time::timeout(ROUND_TIMEOUT, round).await.unwrap_or_else(|_| {
            tracing::warn!("the reconciler's round hung");
            None
        })
    }

    /// The connection that holds the leader's lock, if this process leads.
    async fn lead(&self, leader: Option<PgConnection>) -> Option<PgConnection> {
        if let Some(mut connection) = leader {
            // Checks that the connection, and with it the lock, still exists.
            let alive = sqlx::query_scalar!(r#"SELECT true AS "alive!""#).fetch_one(&mut connection).await;
            return alive.is_ok().then_some(connection);
        }
        let mut candidate = self.dependencies.pool.acquire().await.ok()?;
        let locked = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "locked!""#, LEADER_LOCK)
            .fetch_one(&mut *candidate)
            .await;
        if !matches!(locked, Ok(true)) {
            return None;
        }
        let mut connection = candidate.detach();
        // A frozen leader is silent; after this time the server ends its session and with it the lock.
        let silence_ms = (self.config.lease + self.config.reconcile_interval).as_millis().to_string();
        sqlx::query_scalar!("SELECT set_config('idle_session_timeout', $1, false)", silence_ms)
            .fetch_one(&mut connection)
            .await
            .ok()?;
        tracing::info!("leading the reconciliation");
        Some(connection)
    }

    async fn tick(&self) -> Result<(), DbError> {
        let pool = &self.dependencies.pool;
        // In batches, so that thousands of actions with the same start time do not hold their locks for long; bounded,
        // so that the rest of the round is not delayed without a limit.
        for _ in 0..SCHEDULED_ROUNDS {
            if !db::start_scheduled(pool).await? {
                break;
            }
        }
        // Lost leases before retries and releases: a dead worker's chunks count as in flight until they are taken back.
        let mut bells = self.take_back_lost().await?;
        bells.extend(db::retries_due(pool).await?);
        bells.extend(db::release_waiting(pool, self.max_in_flight()).await?);
        self.dependencies.queue.ring(&bells).await;
        self.fill_up(QueueName::Chunking, &db::waiting_files(pool, SILENCE_MS, MOST_JOBS).await?).await;
        self.fill_up(QueueName::Processing, &db::waiting_chunks(pool, SILENCE_MS, MOST_JOBS).await?).await;
        let ended = db::end_finished(pool).await?;
        if ended > 0 {
            tracing::error!(actions = ended, "ended actions that should have ended with their last chunk");
        }
        Ok(())
    }

    /// Takes work back from dead workers, and marks it dead if it appears to kill them.
    async fn take_back_lost(&self) -> Result<Vec<Job>, DbError> {
        let pool = &self.dependencies.pool;
        // Before the leases expire, which would requeue these chunks.
        let (buried, mut bells) = db::bury_lost_chunks(pool, MOST_LOST_LEASES, self.max_in_flight()).await?;
        metrics::counter!(CHUNKS, "result" => "dead").increment(buried as u64);
        let expired = db::expire_chunk_leases(pool).await?;
        let files = db::expire_file_leases(pool, MOST_LOST_LEASES).await?;
        let chunks = buried + expired.len();
        if chunks + files > 0 {
            tracing::warn!(chunks, files, dead = buried, "took work back from workers whose lease ran out");
            metrics::counter!(LEASES_LOST).increment((chunks + files) as u64);
        }
        bells.extend(expired);
        Ok(bells)
    }

    /// Sends jobs until the queue has as many as there is waiting work. The claim decides which work is done, so it
    /// does not matter which jobs were lost. At least one is sent in any case: an entry that is never delivered (after
    /// Redis crashed between acknowledging and deleting it) would count as a job for ever.
    async fn fill_up(&self, queue: QueueName, waiting: &[Job]) {
        if waiting.is_empty() {
            return;
        }
        let queued = match self.dependencies.queue.backlog(queue).await {
            Ok(backlog) => usize::try_from(backlog.lag).unwrap_or(usize::MAX),
            Err(error) => return tracing::debug!(%error, "could not read a queue's length"),
        };
        let missing = waiting.len().saturating_sub(queued).max(1);
        if i64::try_from(queued).is_ok_and(|queued| queued < MOST_JOBS) {
            tracing::debug!(queue = queue.as_str(), jobs = missing, "sending jobs that may be lost");
            self.dependencies.queue.ring(&waiting[..missing.min(waiting.len())]).await;
        }
    }

    fn max_in_flight(&self) -> i64 {
        self.config.max_chunks_in_flight_per_account.into()
    }

    /// Starts a clean-up, unless one is running.
    fn clean_up_beside(&self, cleaning: &mut JoinSet<()>) {
        while cleaning.try_join_next().is_some() {}
        if !cleaning.is_empty() {
            return;
        }
        let clean_up = self.clean_up.clone();
        cleaning.spawn(async move {
            if let Err(error) = clean_up.run().await {
                tracing::warn!(%error, "the clean-up broke off; it is tried again later");
                tokio::time::sleep(PAUSE_AFTER_FAILED_CLEAN_UP).await;
            }
        });
    }
}
