//! An action whose row is locked by the current transaction. Every change of its counters or status holds this lock, so
//! "was this the last chunk?" has one answer, and a pause or cancel takes effect at one instant.

use sqlx::PgConnection;
use uuid::Uuid;

use super::DbError;
use super::waiting::{next_file, withdraw_chunks};
use crate::action::{ActionEvent, ActionStatus, Outcome};
use crate::chunk::ChunkId;
use crate::queue::Job;

/// An action under its row's lock.
#[derive(Debug)]
pub(crate) struct LockedAction {
    pub(super) id: Uuid,
    pub(super) account_id: String,
    pub(super) status: ActionStatus,
    pub(super) paused_from: Option<ActionStatus>,
    pub(super) chunked: bool,
    chunk_count: i32,
    chunks_done: i32,
    pub(super) chunks_dead: i32,
    pub(super) traceparent: String,
    age_seconds: f64,
}

impl LockedAction {
    /// Locks the action's row until the transaction ends.
    ///
    /// # Errors
    /// [`DbError::Fenced`] if there is no such action.
    pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Self, DbError> {
        Self::lock_if(conn, None, id).await?.ok_or(DbError::Fenced)
    }

    /// Locks the account's action; `None` if the account has no such action.
    pub(super) async fn lock_owned(
        conn: &mut PgConnection,
        account: &str,
        id: Uuid,
    ) -> sqlx::Result<Option<Self>> {
        Self::lock_if(conn, Some(account), id).await
    }

    async fn lock_if(conn: &mut PgConnection, account: Option<&str>, id: Uuid) -> sqlx::Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            r#"SELECT id, account_id, status AS "status: ActionStatus", paused_from AS "paused_from: ActionStatus",
                   chunking_done_at IS NOT NULL AS "chunked!", chunk_count, chunks_done, chunks_dead, traceparent,
                   extract(epoch FROM clock_timestamp() - coalesce(scheduled_at, created_at))::float8
                       AS "age_seconds!"
               FROM bulk_actions WHERE id = $1 AND ($2::text IS NULL OR account_id = $2) FOR UPDATE"#,
            id,
            account,
        )
        .fetch_optional(conn)
        .await
    }

    /// Account that owns it.
    pub(super) fn account(&self) -> &str {
        &self.account_id
    }

    /// Current status.
    #[must_use]
    pub(crate) fn status(&self) -> ActionStatus {
        self.status
    }

    /// Seconds since the action was created, or since its start time if it was scheduled.
    #[must_use]
    pub(crate) fn age_seconds(&self) -> f64 {
        self.age_seconds
    }

    /// Commit number of the chunk that commits next. Done chunks stay done, so no number is used twice.
    pub(super) fn next_commit_number(&self) -> i32 {
        self.chunks_done + 1
    }

    /// Returns an error unless workers may commit work of the action.
    ///
    /// # Errors
    /// [`DbError::Fenced`] when it is paused or finished.
    pub(crate) fn require_running(&self) -> Result<(), DbError> {
        if self.status.is_running() { Ok(()) } else { Err(DbError::Fenced) }
    }

    /// Counts a recorded chunk.
    pub(super) async fn chunk_recorded(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        self.status = self.status.on(ActionEvent::ChunkRecorded)?;
        self.chunk_count += 1;
        self.save(conn).await
    }

    /// Counts a chunk that is done.
    pub(super) async fn chunk_done(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        self.chunks_done += 1;
        self.end_or_save(conn).await
    }

    /// Counts a chunk that is dead.
    pub(super) async fn chunk_died(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        self.chunks_dead += 1;
        self.end_or_save(conn).await
    }

    /// Records that the whole file has been cut into chunks.
    pub(super) async fn chunking_done(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        sqlx::query!(
            "UPDATE bulk_actions SET chunking_done_at = now(), chunking_owner = NULL, chunking_lease_until = NULL
             WHERE id = $1",
            self.id
        )
        .execute(&mut *conn)
        .await?;
        self.chunked = true;
        self.end_or_save(conn).await
    }

    /// Fails the action and withdraws its chunks from the workers.
    pub(super) async fn give_up(
        &mut self,
        conn: &mut PgConnection,
        code: &str,
        message: &str,
    ) -> Result<(), DbError> {
        self.status = self.status.on(ActionEvent::GaveUp)?;
        sqlx::query!(
            "UPDATE bulk_actions SET error_code = $2, error_message = $3, completed_at = now(), status = $4,
                 chunks_done = $5, chunks_dead = $6, chunking_owner = NULL, chunking_lease_until = NULL,
                 updated_at = now()
             WHERE id = $1",
            self.id,
            code,
            message,
            self.status.as_str(),
            self.chunks_done,
            self.chunks_dead,
        )
        .execute(&mut *conn)
        .await?;
        // The workers lose their leases; otherwise they would continue until their commits are refused.
        withdraw_chunks(conn, self.id).await?;
        Ok(())
    }

    /// Ends the action if no work is left, and saves its counters.
    pub(super) async fn end_or_save(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        // While the file is being read, the number of its chunks is not final.
        if !self.chunked || !self.status.is_running() {
            return self.save(conn).await;
        }
        if self.chunks_done == self.chunk_count {
            return self.complete(conn).await;
        }
        // Dead chunks end the action only when no other chunk can make progress. Chunks behind a dead one never become
        // ready.
        if self.chunks_dead > 0 && !self.has_active_chunks(conn).await? {
            let message = format!(
                "{} of {} chunks could not be processed; the rows of the others are done. \
                 POST /bulk-actions/{}/retry tries the rest again",
                self.chunks_dead, self.chunk_count, self.id
            );
            return self.give_up(conn, "dead_chunks", &message).await;
        }
        self.save(conn).await
    }

    async fn complete(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        self.status = self.status.on(ActionEvent::EveryRowDone)?;
        // In this transaction, so that the rows of the last chunk are included.
        let counted = sqlx::query!(
            "SELECT failed_records, total_records FROM bulk_action_stats WHERE action_id = $1",
            self.id
        )
        .fetch_one(&mut *conn)
        .await?;
        sqlx::query!(
            "UPDATE bulk_actions SET status = $2, outcome = $3, chunks_done = $4, completed_at = now(),
                 updated_at = now()
             WHERE id = $1",
            self.id,
            self.status.as_str(),
            Outcome::of(counted.failed_records, counted.total_records) as _,
            self.chunks_done,
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    async fn has_active_chunks(&self, conn: &mut PgConnection) -> sqlx::Result<bool> {
        sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT FROM bulk_action_chunks
                   WHERE action_id = $1
                     AND (status IN ('queued', 'running', 'retrying') OR (status = 'pending' AND ready))
               ) AS "active!""#,
            self.id
        )
        .fetch_one(conn)
        .await
    }

    async fn save(&self, conn: &mut PgConnection) -> Result<(), DbError> {
        sqlx::query!(
            "UPDATE bulk_actions SET status = $2, chunk_count = $3, chunks_done = $4, chunks_dead = $5,
                 updated_at = now()
             WHERE id = $1",
            self.id,
            self.status.as_str(),
            self.chunk_count,
            self.chunks_done,
            self.chunks_dead,
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Releases the account's ready chunks up to its limit in flight, and returns their bells.
    ///
    /// Chunks of paused and finished actions do not count towards the limit: no worker claims them.
    ///
    /// Low `seq` first, so that a small action does not wait behind a large one of the same account. Rows that another
    /// transaction is releasing are skipped, so that two can release concurrently. The reconciler releases what both
    /// skip.
    pub(super) async fn release_chunks(
        &self,
        conn: &mut PgConnection,
        max_in_flight: i64,
    ) -> sqlx::Result<Vec<Job>> {
        release_chunks(conn, &self.account_id, max_in_flight).await
    }

    /// The bells to ring when this action no longer occupies a chunker: for the account's next file and, if the action
    /// is finished, for the chunks that are released in its place.
    pub(super) async fn leave_chunker(
        &self,
        conn: &mut PgConnection,
        max_in_flight: i64,
    ) -> sqlx::Result<Vec<Job>> {
        let mut bells = self.release_chunks(conn, max_in_flight).await?;
        bells.extend(next_file(conn, &self.account_id, self.id).await?);
        Ok(bells)
    }
}

pub(super) async fn release_chunks(
    conn: &mut PgConnection,
    account: &str,
    max_in_flight: i64,
) -> sqlx::Result<Vec<Job>> {
    // The count takes no lock, so concurrent transactions of one account may briefly exceed the limit.
    sqlx::query!(
        r#"WITH room AS (
               SELECT greatest($2 - count(*), 0) AS chunks
               FROM bulk_action_chunks f JOIN bulk_actions a ON a.id = f.action_id
               WHERE f.account_id = $1 AND f.status IN ('queued', 'running', 'retrying')
                 AND a.status IN ('validating', 'processing')
           ), picked AS (
               SELECT c.action_id, c.partition, c.seq, a.traceparent
               FROM bulk_action_chunks c JOIN bulk_actions a ON a.id = c.action_id
               WHERE c.account_id = $1 AND c.status = 'pending' AND c.ready
                 AND a.status IN ('validating', 'processing')
               ORDER BY c.seq, c.action_id, c.partition
               LIMIT (SELECT chunks FROM room)
               FOR UPDATE OF c SKIP LOCKED
           )
           UPDATE bulk_action_chunks c SET status = 'queued', rung_at = now()
           FROM picked p
           WHERE c.action_id = p.action_id AND c.partition = p.partition AND c.seq = p.seq AND c.status = 'pending'
           RETURNING c.action_id, c.partition, c.seq, p.traceparent"#,
        account,
        max_in_flight,
    )
    .map(|row| Job::Chunk {
        chunk: ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq },
        traceparent: row.traceparent,
    })
    .fetch_all(conn)
    .await
}
