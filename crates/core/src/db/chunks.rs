//! The processing worker's claim of a chunk, and the ways out of it other than success.

use csv_intake::header::Mapping;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Bell, DbError, LockedAction, RetryPolicy};
use crate::action::{ActionType, Intake, OnConflict};
use crate::chunk::ChunkId;

/// Proof of a claim: the fencing token of one attempt at a chunk.
#[derive(Debug, Clone)]
pub struct ChunkLease {
    /// The chunk.
    pub chunk: ChunkId,
    /// The worker.
    pub owner: String,
    /// Which claim of this chunk it is.
    pub attempt: i32,
}

/// A claimed chunk, with all that is needed to process it.
#[derive(Debug, Clone)]
pub struct ChunkClaim {
    /// The lease.
    pub lease: ChunkLease,
    /// Whose.
    pub account_id: String,
    /// What the rows are.
    pub entity_type: String,
    /// Hash of the declaration that it was uploaded under.
    pub entity_hash: Option<Uuid>,
    /// What is done with them.
    pub action_type: ActionType,
    /// What a create does with a record that exists.
    pub on_conflict: OnConflict,
    /// Change nothing.
    pub dry_run: bool,
    /// CSV header to entity column.
    pub mapping: Mapping,
    /// How the file is read.
    pub intake: Intake,
    /// Rows in the chunk.
    pub row_count: usize,
    /// Hash of its object.
    pub content_hash: i64,
    /// Failures so far.
    pub failures: u32,
}

/// Takes the lease of a queued chunk. `None` when there is nothing to take: another worker was faster, or the chunk was
/// withdrawn because its action is paused or over.
///
/// # Errors
/// When the database is away.
pub async fn claim_chunk(
    pool: &PgPool,
    chunk: ChunkId,
    owner: &str,
    lease_ms: i64,
) -> sqlx::Result<Option<ChunkClaim>> {
    sqlx::query!(
        r#"UPDATE bulk_action_chunks c
           SET status = 'running', lease_owner = $4, lease_until = now() + $5::bigint * interval '1 millisecond',
               attempt = c.attempt + 1
           FROM bulk_actions a
           WHERE c.action_id = $1 AND c.partition = $2 AND c.seq = $3 AND c.status = 'queued'
             AND a.id = c.action_id AND a.status IN ('validating', 'processing')
           RETURNING c.attempt, c.row_count, c.content_hash, c.failures, a.account_id, a.entity_type, a.entity_hash,
               a.action_type AS "action_type: ActionType", a.on_conflict AS "on_conflict: OnConflict", a.dry_run,
               a.mapping AS "mapping: Json<Mapping>", a.intake AS "intake: Json<Intake>""#,
        chunk.action_id,
        chunk.partition,
        chunk.seq,
        owner,
        lease_ms,
    )
    .map(|row| ChunkClaim {
        lease: ChunkLease { chunk, owner: owner.to_owned(), attempt: row.attempt },
        account_id: row.account_id,
        entity_type: row.entity_type,
        entity_hash: row.entity_hash,
        action_type: row.action_type,
        on_conflict: row.on_conflict,
        dry_run: row.dry_run,
        mapping: row.mapping.0,
        intake: row.intake.0,
        row_count: usize::try_from(row.row_count).unwrap_or_default(),
        content_hash: row.content_hash,
        failures: u32::try_from(row.failures).unwrap_or_default(),
    })
    .fetch_optional(pool)
    .await
}

/// Prolongs the lease; false when it is no longer held.
///
/// # Errors
/// When the database is away.
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

/// Gives the lease back unharmed and returns the bell to ring. `None` when it is no longer held.
///
/// # Errors
/// When the database is away.
pub async fn hand_back_chunk(pool: &PgPool, lease: &ChunkLease) -> sqlx::Result<Option<Bell>> {
    sqlx::query!(
        "UPDATE bulk_action_chunks c
         SET status = 'queued', lease_owner = NULL, lease_until = NULL, rung_at = now()
         FROM bulk_actions a
         WHERE c.action_id = $1 AND c.partition = $2 AND c.seq = $3 AND c.lease_owner = $4 AND c.attempt = $5
           AND c.status = 'running' AND a.id = c.action_id
         RETURNING a.traceparent",
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq,
        lease.owner,
        lease.attempt,
    )
    .map(|row| Bell::Processing { chunk: lease.chunk, traceparent: row.traceparent })
    .fetch_optional(pool)
    .await
}

/// Counts a failed attempt: the chunk is tried again later, or is dead after the last attempt, which may end the action.
///
/// # Errors
/// [`DbError::Fenced`] when the lease is lost or the action paused or over.
pub async fn fail_chunk(
    pool: &PgPool,
    lease: &ChunkLease,
    message: &str,
    retry: RetryPolicy,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = LockedAction::lock(&mut tx, lease.chunk.action_id).await?;
    action.require_running()?;
    let dead = mark_failed(&mut tx, lease, message, retry).await?;
    let mut bells = Vec::new();
    if dead {
        action.chunk_died(&mut tx).await?;
        bells = action.release_chunks(&mut tx, max_in_flight).await?;
    }
    tx.commit().await?;
    Ok(bells)
}

/// Whether the chunk is dead now.
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
