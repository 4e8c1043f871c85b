//! Claims of the processing worker, and all ways to leave a claim except a successful commit.

use csv_intake::header::Mapping;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::error::fitting;
use super::{DbError, LockedAction, RetryPolicy};
use crate::action::{ActionType, Intake, OnConflict};
use crate::chunk::ChunkId;
use crate::queue::Job;

/// Proof of a claim: the fencing token of one attempt at a chunk.
#[derive(Debug, Clone)]
pub struct ChunkLease {
    /// The chunk.
    pub chunk: ChunkId,
    /// Worker that holds the lease.
    pub owner: String,
    /// Number of this claim among the claims of the chunk.
    pub attempt: i32,
}

/// A claimed chunk with everything needed to process it.
#[derive(Debug, Clone)]
pub struct ChunkClaim {
    /// The lease.
    pub lease: ChunkLease,
    /// Account that owns it.
    pub account_id: String,
    /// Name of the entity that the rows describe.
    pub entity_type: String,
    /// Hash of the declaration at the time of the upload.
    pub entity_hash: Option<Uuid>,
    /// Operation applied to each row.
    pub action_type: ActionType,
    /// Handling of a create whose record exists.
    pub on_conflict: OnConflict,
    /// Compute outcomes without changing any record.
    pub dry_run: bool,
    /// Maps CSV headers to entity columns.
    pub mapping: Mapping,
    /// Options for reading the file.
    pub intake: Intake,
    /// Rows in the chunk.
    pub row_count: usize,
    /// Hash of its object.
    pub content_hash: i64,
    /// Failures so far.
    pub failures: u32,
    /// Attempts that ended by contention.
    pub contended: u32,
    /// True if an earlier attempt was interrupted because it took too long while other accounts waited.
    pub slow: bool,
    /// Trace context of its action.
    pub traceparent: String,
}

/// Accounts that one claim examines: more than there are slots, so that one without a slot is found.
const ACCOUNTS_PER_CLAIM: i32 = 32;
/// Repetitions of a claim after another worker took the chunk that was found.
const CLAIM_ATTEMPTS: usize = 5;

/// Claims the next queued chunk. `None` when no chunk waits.
///
/// A job says that a chunk waits, not which one; following the order of the queue would give each account as many turns
/// as it has jobs. The turn goes to the account with the fewest chunks running in all processes, and among equals to
/// the next one by name after `after`, the account that this worker served last. Chunks marked `slow` come after all
/// others.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn claim_chunk(
    pool: &PgPool,
    owner: &str,
    lease_ms: i64,
    after: &str,
) -> sqlx::Result<Option<ChunkClaim>> {
    for _ in 0..CLAIM_ATTEMPTS {
        for slow in [false, true] {
            let claim = claim_next(pool, owner, lease_ms, after, slow).await?;
            if claim.is_some() {
                return Ok(claim);
            }
        }
        // The chunk that was found may have been taken between its selection and its update, while others still wait:
        // look again.
        let waiting = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM bulk_action_chunks WHERE status = 'queued') AS "waiting!""#
        );
        if !waiting.fetch_one(pool).await? {
            break;
        }
    }
    Ok(None)
}

/// One step of [`claim_chunk`]. Also returns `None` when another worker holds the lock of the same chunk.
///
/// `SKIP LOCKED` and the second check of the status make concurrent claims take different chunks. The check of the
/// action's status leaves out chunks of paused and finished actions.
async fn claim_next(
    pool: &PgPool,
    owner: &str,
    lease_ms: i64,
    after: &str,
    slow: bool,
) -> sqlx::Result<Option<ChunkClaim>> {
    // `turn` visits each waiting account once, with one index probe each, starting after the one served last.
    sqlx::query!(
        r#"WITH RECURSIVE turn (start, account_id, n) AS (
               SELECT f.account_id, f.account_id, 1 FROM (SELECT coalesce(
                   (SELECT q.account_id FROM bulk_action_chunks q
                    WHERE q.status = 'queued' AND q.slow = $4 AND q.account_id > $3 ORDER BY q.account_id LIMIT 1),
                   (SELECT q.account_id FROM bulk_action_chunks q
                    WHERE q.status = 'queued' AND q.slow = $4 ORDER BY q.account_id LIMIT 1)) AS account_id) f
               WHERE f.account_id IS NOT NULL
               UNION ALL
               SELECT t.start, f.account_id, t.n + 1 FROM turn t CROSS JOIN LATERAL (SELECT coalesce(
                   (SELECT q.account_id FROM bulk_action_chunks q
                    WHERE q.status = 'queued' AND q.slow = $4 AND q.account_id > t.account_id ORDER BY q.account_id LIMIT 1),
                   (SELECT q.account_id FROM bulk_action_chunks q
                    WHERE q.status = 'queued' AND q.slow = $4 ORDER BY q.account_id LIMIT 1)) AS account_id) f
               WHERE f.account_id <> t.start AND t.n < $5
           ), picked AS (
               SELECT c.action_id, c.partition, c.seq FROM bulk_action_chunks c
               WHERE c.status = 'queued' AND c.slow = $4 AND c.account_id = (
                   SELECT t.account_id FROM turn t
                   ORDER BY (SELECT count(*) FROM bulk_action_chunks r
                             WHERE r.account_id = t.account_id AND r.status = 'running'), t.n LIMIT 1)
               ORDER BY c.seq, c.action_id, c.partition LIMIT 1
               FOR UPDATE SKIP LOCKED
           )
           UPDATE bulk_action_chunks c SET status = 'running', lease_owner = $1, attempt = c.attempt + 1,
               lease_until = now() + $2::bigint * interval '1 millisecond'
           FROM picked p, bulk_actions a
           WHERE c.action_id = p.action_id AND c.partition = p.partition AND c.seq = p.seq AND c.status = 'queued'
             AND a.id = c.action_id AND a.status IN ('validating', 'processing')
           RETURNING c.action_id, c.partition, c.seq, c.attempt, c.row_count, c.content_hash, c.failures, c.contended, c.slow,
               a.account_id, a.entity_type, a.entity_hash, a.action_type AS "action_type: ActionType", a.dry_run, a.traceparent,
               a.on_conflict AS "on_conflict: OnConflict", a.mapping AS "mapping: Json<Mapping>", a.intake AS "intake: Json<Intake>""#,
        owner,
        lease_ms,
        after,
        slow,
        ACCOUNTS_PER_CLAIM,
    )
    .try_map(|row| {
        let chunk = ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq };
        Ok(ChunkClaim {
            lease: ChunkLease { chunk, owner: owner.to_owned(), attempt: row.attempt },
            account_id: row.account_id,
            entity_type: row.entity_type,
            entity_hash: row.entity_hash,
            action_type: row.action_type,
            on_conflict: row.on_conflict,
            dry_run: row.dry_run,
            mapping: row.mapping.0,
            intake: row.intake.0,
            row_count: fitting(row.row_count)?,
            content_hash: row.content_hash,
            failures: fitting(row.failures)?,
            contended: fitting(row.contended)?,
            slow: row.slow,
            traceparent: row.traceparent,
        })
    })
    .fetch_optional(pool)
    .await
}

/// True if an account has a chunk waiting and none running, so that it should get the next slot. Chunks marked `slow`
/// do not count: they had a turn and wait for an otherwise unused slot.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn accounts_wait_for_a_slot(pool: &PgPool) -> sqlx::Result<bool> {
    // Stops at the first such account. The accounts before it have a slot each, so at most as many as there are slots
    // are visited.
    sqlx::query_scalar!(
        r#"WITH RECURSIVE waiting (account_id) AS (
               SELECT min(q.account_id) FROM bulk_action_chunks q WHERE q.status = 'queued' AND NOT q.slow
               UNION ALL
               SELECT (SELECT q.account_id FROM bulk_action_chunks q
                       WHERE q.status = 'queued' AND NOT q.slow AND q.account_id > w.account_id
                       ORDER BY q.account_id LIMIT 1)
               FROM waiting w WHERE w.account_id IS NOT NULL
           )
           SELECT EXISTS (
               SELECT FROM waiting w
               WHERE w.account_id IS NOT NULL
                 AND NOT EXISTS (SELECT FROM bulk_action_chunks r
                                 WHERE r.account_id = w.account_id AND r.status = 'running')
           ) AS "wait!""#
    )
    .fetch_one(pool)
    .await
}

/// Renews the lease. Returns false if it is no longer held.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn renew_chunk(pool: &PgPool, lease: &ChunkLease, lease_ms: i64) -> sqlx::Result<bool> {
    let renewed = sqlx::query!(
        "UPDATE bulk_action_chunks SET lease_until = now() + $6::bigint * interval '1 millisecond'
         WHERE action_id = $1 AND partition = $2 AND seq = $3 AND lease_owner = $4 AND attempt = $5
           AND status = 'running'",
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq,
        lease.owner,
        lease.attempt,
        lease_ms,
    )
    .execute(pool)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Returns the lease without counting a failure, and returns the bell to ring. `slow` marks a chunk that took long
/// while others waited; the mark stays. `None` if the lease is no longer held.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn hand_back_chunk(pool: &PgPool, lease: &ChunkLease, slow: bool) -> sqlx::Result<Option<Job>> {
    sqlx::query!(
        "UPDATE bulk_action_chunks c
         SET status = 'queued', lease_owner = NULL, lease_until = NULL, rung_at = now(), slow = c.slow OR $6
         FROM bulk_actions a
         WHERE c.action_id = $1 AND c.partition = $2 AND c.seq = $3 AND c.lease_owner = $4 AND c.attempt = $5
           AND c.status = 'running' AND a.id = c.action_id
         RETURNING a.traceparent",
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq,
        lease.owner,
        lease.attempt,
        slow,
    )
    .map(|row| Job::Chunk { chunk: lease.chunk, traceparent: row.traceparent })
    .fetch_optional(pool)
    .await
}

/// Requeues the chunk after contention for another attempt after `delay_ms`, without counting a failure. Returns false
/// if the lease is no longer held.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn defer_chunk(pool: &PgPool, lease: &ChunkLease, delay_ms: i64) -> sqlx::Result<bool> {
    let deferred = sqlx::query!(
        "UPDATE bulk_action_chunks
         SET status = 'retrying', lease_owner = NULL, lease_until = NULL, contended = contended + 1,
             due_at = now() + $6::bigint * interval '1 millisecond'
         WHERE action_id = $1 AND partition = $2 AND seq = $3 AND lease_owner = $4 AND attempt = $5
           AND status = 'running'",
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq,
        lease.owner,
        lease.attempt,
        delay_ms,
    )
    .execute(pool)
    .await?;
    Ok(deferred.rows_affected() == 1)
}

/// Reverts the loss that the reconciler counted when this lease ran out: the worker is alive and was only frozen or
/// disconnected.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn chunk_lease_survived(pool: &PgPool, lease: &ChunkLease) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_action_chunks SET lost = lost - 1
         WHERE action_id = $1 AND partition = $2 AND seq = $3 AND lost > 0",
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Counts a failed attempt. The chunk is retried later; after the last attempt it is dead, which may end the action.
///
/// # Errors
/// [`DbError::Fenced`] if the lease is lost, or the action is paused or finished.
pub async fn fail_chunk(
    pool: &PgPool,
    lease: &ChunkLease,
    message: &str,
    retry: RetryPolicy,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = LockedAction::lock(&mut tx, lease.chunk.action_id).await?;
    // A paused or finished action has withdrawn its chunks; a late failure must not change them.
    action.require_running()?;
    let dead = mark_failed(&mut tx, lease, message, retry).await?;
    let mut bells = Vec::new();
    if dead {
        action.chunk_died(&mut tx).await?;
        // A dead chunk no longer counts as in flight, so another chunk can take its place.
        bells = action.release_chunks(&mut tx, max_in_flight).await?;
    }
    tx.commit().await?;
    Ok(bells)
}

/// Records the failure under the lease. Returns true if the chunk is dead now.
async fn mark_failed(
    conn: &mut PgConnection,
    lease: &ChunkLease,
    message: &str,
    retry: RetryPolicy,
) -> Result<bool, DbError> {
    let max_failures = i32::try_from(retry.max_failures).unwrap_or(i32::MAX);
    let failed = sqlx::query!(
        r#"UPDATE bulk_action_chunks
           SET failures = failures + 1, last_error = $6, lease_owner = NULL, lease_until = NULL,
               status = CASE WHEN failures + 1 >= $7 THEN 'dead' ELSE 'retrying' END,
               due_at = CASE WHEN failures + 1 >= $7 THEN NULL
                             ELSE now() + $8::bigint * interval '1 millisecond' END
           WHERE action_id = $1 AND partition = $2 AND seq = $3 AND lease_owner = $4 AND attempt = $5
             AND status = 'running'
           RETURNING status = 'dead' AS "dead!""#,
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq,
        lease.owner,
        lease.attempt,
        message,
        max_failures,
        retry.delay_ms,
    )
    .fetch_optional(conn)
    .await?;
    failed.map(|row| row.dead).ok_or(DbError::Fenced)
}
