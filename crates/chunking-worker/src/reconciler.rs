//! Rings the bell for whatever PostgreSQL says is due, so that a lost message, a dead worker or an emptied Redis delays
//! work by a moment and never loses it. Every chunking worker runs one; an advisory lock lets one at a time lead.

use std::time::Duration;

use bulk_core::config::{Config, WorkerConfig};
use bulk_core::db::{self, Bell, DbError};
use bulk_core::dependencies::Dependencies;
use bulk_core::queue::QueueName;
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry::metrics::LEASES_LOST;
use bulk_core::worker::Breaker;
use sqlx::PgConnection;
use tokio::task::JoinSet;

use crate::clean_up::CleanUp;
use crate::writer::ring;

/// The advisory lock of the leader; any number that nothing else in the database uses.
const LEADER_LOCK: i64 = 0x62_75_6c_6b_2d_72_65_63;
/// Work that nobody has claimed for this long should have a job waiting in its queue.
const SILENCE_MS: i64 = 1_000;
/// Jobs that a queue is filled up to: more than all workers together take at a time.
const MOST_JOBS: i64 = 256;
/// Rounds of [`db::start_scheduled`] in one round of the reconciler.
const SCHEDULED_ROUNDS: usize = 20;
/// Leases of one chunk or file that may run out without a word from their workers. Generous: somebody may just be killing
/// workers, or taking their machines away.
const MOST_LOST_LEASES: i32 = 5;
/// A round that takes longer waits for something that will not come, such as an answer on a dead connection.
const ROUND_TIMEOUT: Duration = Duration::from_secs(30);
/// What a round has to come to its end when a stop is asked for. All it does can be done again by the next leader.
const PATIENCE: Duration = Duration::from_secs(2);
/// Cleaning up is never urgent, and whatever has failed may need a while.
const PAUSE_AFTER_FAILED_CLEAN_UP: Duration = Duration::from_secs(30);

/// The reconciler of one worker.
pub struct Reconciler {
    dependencies: Dependencies,
    config: WorkerConfig,
    breaker: Breaker,
    clean_up: CleanUp,
}

impl Reconciler {
    /// A reconciler; [`Reconciler::run`] starts it.
    #[must_use]
    pub fn new(dependencies: Dependencies, config: &Config, breaker: Breaker) -> Self {
        let clean_up = CleanUp::new(dependencies.clone(), config.retention);
        Self { dependencies, config: config.worker.clone(), breaker, clean_up }
    }

    /// Looks for overdue work at every interval, while it leads, until the shutdown.
    pub async fn run(self, shutdown: &Shutdown) {
        // A counter that first appears as 1 has not grown for Prometheus.
        metrics::counter!(LEASES_LOST).increment(0);
        // Session locks go with their connection, so the leader's must not go back to the pool.
        let mut leader: Option<PgConnection> = None;
        // Dropped at the end, and what runs in it is broken off.
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

    /// Leads if nobody else does, and then does what is due. Gives up the lead when that fails.
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
            // Asks whether the connection, and with it the lock, is still there.
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
        // A leader that is frozen says nothing for a while; its session, and with it the lock, then ends.
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
        for _ in 0..SCHEDULED_ROUNDS {
            if !db::start_scheduled(pool).await? {
                break;
            }
        }
        let mut bells = self.take_back_lost().await?;
        bells.extend(db::retries_due(pool).await?);
        bells.extend(db::release_waiting(pool, self.max_in_flight()).await?);
        ring(&self.dependencies, &bells).await;
        self.fill_up(QueueName::Chunking, &db::waiting_files(pool, SILENCE_MS, MOST_JOBS).await?).await;
        self.fill_up(QueueName::Processing, &db::waiting_chunks(pool, SILENCE_MS, MOST_JOBS).await?).await;
        let settled = db::settle_finished(pool).await?;
        if settled > 0 {
            tracing::error!(actions = settled, "ended actions that should have ended with their last chunk");
        }
        Ok(())
    }

    /// What dead workers held can be claimed again, or is given up when it seems to be what ends them.
    async fn take_back_lost(&self) -> Result<Vec<Bell>, DbError> {
        let pool = &self.dependencies.pool;
        let (buried, mut bells) = db::bury_lost_chunks(pool, MOST_LOST_LEASES, self.max_in_flight()).await?;
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

    /// Sends as many of these jobs as their queue has too few. Which work is done is decided when it is claimed, so it does not
    /// matter which of the jobs were lost. One is sent in any case: an entry that nobody will be given (of a Redis that died
    /// between acknowledging and deleting it) would count as a job for ever.
    async fn fill_up(&self, queue: QueueName, waiting: &[Bell]) {
        if waiting.is_empty() {
            return;
        }
        let queued = match self.dependencies.queue.backlog(queue).await {
            Ok(backlog) => usize::try_from(backlog.lag).unwrap_or(usize::MAX),
            Err(error) => return tracing::debug!(%error, "could not ask for a queue's length"),
        };
        let missing = waiting.len().saturating_sub(queued).max(1);
        if i64::try_from(queued).is_ok_and(|queued| queued < MOST_JOBS) {
            tracing::debug!(queue = queue.as_str(), jobs = missing, "sending jobs that may be lost");
            ring(&self.dependencies, &waiting[..missing.min(waiting.len())]).await;
        }
    }

    fn max_in_flight(&self) -> i64 {
        self.config.max_chunks_in_flight_per_account.into()
    }

    /// Starts a clean-up, unless one still runs.
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
