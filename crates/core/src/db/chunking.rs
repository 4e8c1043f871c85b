//! The chunking worker's transitions. Each names the lease (owner and attempt) it was made under, so a chunker that
//! comes back after its lease ran out changes nothing.

use std::collections::HashMap;

use csv_intake::header::Mapping;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::usage::store_bytes;
use super::waiting::make_ready;
use super::{Bell, DbError, LockedAction, RetryPolicy};
use crate::action::{ActionEvent, ActionType, Intake, OnConflict};

/// Proof of a claim: the fencing token of a chunking run.
#[derive(Debug, Clone)]
pub struct ChunkingLease {
    /// The action.
    pub action_id: Uuid,
    /// The worker.
    pub owner: String,
    /// Which claim of this action it is.
    pub attempt: i32,
}

/// A claimed file, with all that determines how it is cut.
#[derive(Debug, Clone)]
pub struct ChunkingClaim {
    /// The lease.
    pub lease: ChunkingLease,
    /// Whose.
    pub account_id: String,
    /// What the rows are.
    pub entity_type: String,
    /// Hash of the declaration that it was uploaded under.
    pub entity_hash: Option<Uuid>,
    /// What is done with them in effect.
    pub action_type: ActionType,
    /// Later rows with a key seen before are skipped.
    pub deduplicate: bool,
    /// CSV header to entity column.
    pub mapping: Mapping,
    /// How the file is read.
    pub intake: Intake,
    /// Object key of the file.
    pub file_key: String,
    /// Size of the file as it was stored.
    pub file_size_bytes: u64,
    /// Rows per chunk.
    pub chunk_size: usize,
    /// Most bytes per chunk, where that is reached first.
    pub chunk_size_bytes: usize,
    /// Partitions to spread the rows over.
    pub partitions: u16,
    /// Data rows counted at upload.
    pub total_rows: u64,
    /// Runs that have failed before.
    pub failures: u32,
    /// Trace context of its action.
    pub traceparent: String,
    /// Chunks (partition, seq) that an earlier run has recorded.
    pub recorded: HashMap<(i16, i32), RecordedChunk>,
}

/// A chunk that an earlier run has recorded. It is left alone, unless its object is to be written again.
#[derive(Debug, Clone, Copy)]
pub struct RecordedChunk {
    /// Hash of its object.
    pub content_hash: i64,
    /// Its object may be missing or damaged; nobody claims the chunk until it is written anew.
    pub rewrite: bool,
}

/// A chunk whose object is stored.
#[derive(Debug, Clone, Copy)]
pub struct NewChunk {
    /// The partition.
    pub partition: i16,
    /// Its place in the partition.
    pub seq: i32,
    /// Rows in it.
    pub row_count: i32,
    /// Hash of its object.
    pub content_hash: i64,
    /// Size of its object.
    pub size_bytes: i64,
}

/// Accounts that one claim looks at: enough to find one whose file may be read, wherever more wait than are being read.
const ACCOUNTS_PER_CLAIM: i32 = 64;
/// Claims that look again after another worker has taken the file that they had found.
const CLAIM_ATTEMPTS: usize = 5;

/// Which files a claim may take.
#[derive(Debug, Clone, Copy)]
pub struct FileShare {
    /// Files of one account that are read at a time, over all workers.
    pub max_per_account: i64,
    /// Only files up to this size.
    pub max_bytes: i64,
}

/// Takes the lease of the file whose turn it is. `None` when no file may be read: none waits, or their accounts already have
/// as many being read as is their share.
///
/// A job says that a file waits, not which: the order of the queue would give an account as many turns as it has jobs there.
/// Accounts take turns by name, beginning after `after`, which this worker has served last. Within an account the oldest
/// action is first.
///
/// # Errors
/// When the database is away.
pub async fn claim_chunking(
    pool: &PgPool,
    owner: &str,
    lease_ms: i64,
    share: FileShare,
    after: &str,
) -> Result<Option<ChunkingClaim>, DbError> {
    for _ in 0..CLAIM_ATTEMPTS {
        let Some(next) = next_file_in_turn(pool, share, after).await? else { return Ok(None) };
        let claim = claim_file(pool, next, owner, lease_ms, share.max_per_account).await?;
        if claim.is_some() {
            return Ok(claim);
        }
    }
    Ok(None)
}

/// Whether a file waits whose account has none being read, so that the next slot should be its.
///
/// # Errors
/// When the database is away.
pub async fn files_wait_for_a_slot(pool: &PgPool, max_bytes: i64) -> sqlx::Result<bool> {
    Ok(next_file_in_turn(pool, FileShare { max_per_account: 1, max_bytes }, "").await?.is_some())
}

/// The file whose turn it is. Nothing is locked: another worker may find the same.
async fn next_file_in_turn(pool: &PgPool, share: FileShare, after: &str) -> sqlx::Result<Option<Uuid>> {
    // `turn` walks once around the accounts that wait, by one index probe each. Of an account's files it sees the oldest
    // ones, so that a backlog of thousands costs no more than a few.
    sqlx::query_scalar!(
        r#"WITH RECURSIVE turn (start, account_id, n) AS (
               SELECT f.account_id, f.account_id, 1
               FROM (SELECT coalesce(
                   (SELECT u.account_id FROM bulk_actions u
                    WHERE u.chunking_done_at IS NULL AND u.chunking_owner IS NULL
                      AND u.status IN ('queued', 'validating', 'processing') AND u.account_id > $1
                    ORDER BY u.account_id LIMIT 1),
                   (SELECT u.account_id FROM bulk_actions u
                    WHERE u.chunking_done_at IS NULL AND u.chunking_owner IS NULL
                      AND u.status IN ('queued', 'validating', 'processing')
                    ORDER BY u.account_id LIMIT 1)) AS account_id) f
               WHERE f.account_id IS NOT NULL
               UNION ALL
               SELECT t.start, f.account_id, t.n + 1
               FROM turn t CROSS JOIN LATERAL (SELECT coalesce(
                   (SELECT u.account_id FROM bulk_actions u
                    WHERE u.chunking_done_at IS NULL AND u.chunking_owner IS NULL
                      AND u.status IN ('queued', 'validating', 'processing') AND u.account_id > t.account_id
                    ORDER BY u.account_id LIMIT 1),
                   (SELECT u.account_id FROM bulk_actions u
                    WHERE u.chunking_done_at IS NULL AND u.chunking_owner IS NULL
                      AND u.status IN ('queued', 'validating', 'processing')
                    ORDER BY u.account_id LIMIT 1)) AS account_id) f
               WHERE f.account_id <> t.start AND t.n < $4
           )
           SELECT f.id
           FROM turn t CROSS JOIN LATERAL (
               SELECT u.id
               FROM (SELECT o.id, o.file_size_bytes, o.chunking_due_at FROM bulk_actions o
                     WHERE o.account_id = t.account_id AND o.chunking_done_at IS NULL AND o.chunking_owner IS NULL
                       AND o.status IN ('queued', 'validating', 'processing')
                     ORDER BY o.id LIMIT 64) u
               WHERE u.file_size_bytes <= $2 AND (u.chunking_due_at IS NULL OR u.chunking_due_at <= now())
               ORDER BY u.id LIMIT 1) f
           WHERE (SELECT count(*) FROM bulk_actions r
                  WHERE r.account_id = t.account_id AND r.chunking_owner IS NOT NULL) < $3
           ORDER BY t.n LIMIT 1"#,
        after,
        share.max_bytes,
        share.max_per_account,
        ACCOUNTS_PER_CLAIM,
    )
    .fetch_optional(pool)
    .await
}

/// Takes the lease of this file, unless another worker was faster.
async fn claim_file(
    pool: &PgPool,
    action_id: Uuid,
    owner: &str,
    lease_ms: i64,
    max_per_account: i64,
) -> Result<Option<ChunkingClaim>, DbError> {
    let mut tx = pool.begin().await?;
    let action = match LockedAction::lock(&mut tx, action_id).await {
        Ok(action) => action,
        Err(DbError::Fenced) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Ok(status) = action.status().on(ActionEvent::ChunkingClaimed) else { return Ok(None) };
    let claimed = sqlx::query!(
        r#"UPDATE bulk_actions a
           SET status = $3, chunking_owner = $2, chunking_lease_until = now() + $4::bigint * interval '1 millisecond',
               chunking_attempt = chunking_attempt + 1, started_at = coalesce(started_at, now()), updated_at = now()
           FROM bulk_action_stats s
           WHERE a.id = $1 AND s.action_id = a.id AND a.chunking_done_at IS NULL AND a.chunking_owner IS NULL
             AND (a.chunking_due_at IS NULL OR a.chunking_due_at <= now())
             AND (SELECT count(*) FROM bulk_actions other
                  WHERE other.account_id = a.account_id AND other.chunking_owner IS NOT NULL) < $5
           RETURNING a.account_id, a.entity_type, a.entity_hash, a.action_type AS "action_type: ActionType",
               a.on_conflict AS "on_conflict: OnConflict", a.deduplicate,
               a.mapping AS "mapping: Json<Mapping>", a.intake AS "intake: Json<Intake>", a.file_key, a.file_size_bytes, a.chunk_size,
               a.chunk_size_bytes, a.partitions, a.chunking_attempt, a.chunking_failures, a.traceparent, s.total_records"#,
        action_id,
        owner,
        status.as_str(),
        lease_ms,
        max_per_account,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(claimed) = claimed else { return Ok(None) };
    let recorded = recorded_chunks(&mut tx, action_id).await?;
    tx.commit().await?;
    Ok(Some(ChunkingClaim {
        lease: ChunkingLease { action_id, owner: owner.to_owned(), attempt: claimed.chunking_attempt },
        account_id: claimed.account_id,
        entity_type: claimed.entity_type,
        entity_hash: claimed.entity_hash,
        action_type: claimed.action_type.in_effect(claimed.on_conflict),
        deduplicate: claimed.deduplicate,
        mapping: claimed.mapping.0,
        intake: claimed.intake.0,
        file_key: claimed.file_key,
        file_size_bytes: u64::try_from(claimed.file_size_bytes).unwrap_or_default(),
        chunk_size: usize::try_from(claimed.chunk_size).unwrap_or(1),
        chunk_size_bytes: usize::try_from(claimed.chunk_size_bytes).unwrap_or(1),
        partitions: u16::try_from(claimed.partitions).unwrap_or(1),
        total_rows: u64::try_from(claimed.total_records).unwrap_or_default(),
        failures: u32::try_from(claimed.chunking_failures).unwrap_or_default(),
        traceparent: claimed.traceparent,
        recorded,
    }))
}

async fn recorded_chunks(
    conn: &mut PgConnection,
    action_id: Uuid,
) -> sqlx::Result<HashMap<(i16, i32), RecordedChunk>> {
    sqlx::query!(
        "SELECT partition, seq, content_hash, rewrite FROM bulk_action_chunks WHERE action_id = $1",
        action_id
    )
    .map(|row| {
        let chunk = RecordedChunk { content_hash: row.content_hash, rewrite: row.rewrite };
        ((row.partition, row.seq), chunk)
    })
    .fetch_all(conn)
    .await
    .map(|chunks| chunks.into_iter().collect())
}

/// Prolongs the lease; false when it is no longer held.
///
/// # Errors
/// When the database is away.
pub async fn renew_chunking(pool: &PgPool, lease: &ChunkingLease, lease_ms: i64) -> sqlx::Result<bool> {
    let renewed = sqlx::query!(
        "UPDATE bulk_actions SET chunking_lease_until = now() + $4::bigint * interval '1 millisecond'
         WHERE id = $1 AND chunking_owner = $2 AND chunking_attempt = $3
           AND status IN ('validating', 'processing')",
        lease.action_id,
        lease.owner,
        lease.attempt,
        lease_ms,
    )
    .execute(pool)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Locks the action and makes sure that the lease is still held and the action still running.
async fn lock_fenced(conn: &mut PgConnection, lease: &ChunkingLease) -> Result<LockedAction, DbError> {
    let action = LockedAction::lock(conn, lease.action_id).await?;
    action.require_running()?;
    let held = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bulk_actions
               WHERE id = $1 AND chunking_owner = $2 AND chunking_attempt = $3) AS "held!""#,
        lease.action_id,
        lease.owner,
        lease.attempt,
    )
    .fetch_one(conn)
    .await?;
    if held { Ok(action) } else { Err(DbError::Fenced) }
}

/// Records a chunk whose object is stored, and releases what there is room for.
///
/// # Errors
/// [`DbError::Fenced`] when the lease is lost or the action paused or over.
pub async fn record_chunk(
    pool: &PgPool,
    lease: &ChunkingLease,
    chunk: NewChunk,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = lock_fenced(&mut tx, lease).await?;
    // The predecessor cannot become done meanwhile: that too needs the action's lock.
    sqlx::query!(
        "INSERT INTO bulk_action_chunks (action_id, partition, seq, account_id, status, ready, row_count, content_hash,
             size_bytes)
         SELECT a.id, $2, $3, a.account_id, 'pending',
                $3 = 0 OR EXISTS (SELECT FROM bulk_action_chunks p
                                  WHERE p.action_id = $1 AND p.partition = $2 AND p.seq = $3 - 1 AND p.status = 'done'),
                $4, $5, $6
         FROM bulk_actions a WHERE a.id = $1",
        lease.action_id,
        chunk.partition,
        chunk.seq,
        chunk.row_count,
        chunk.content_hash,
        chunk.size_bytes,
    )
    .execute(&mut *tx)
    .await?;
    action.chunk_recorded(&mut tx).await?;
    let bells = action.release_chunks(&mut tx, max_in_flight).await?;
    store_bytes(&mut tx, action.account(), chunk.size_bytes).await?;
    tx.commit().await?;
    Ok(bells)
}

/// Notes that the object of a recorded chunk has been written anew, and releases what there is room for.
///
/// # Errors
/// [`DbError::Fenced`] when the lease is lost or the action paused or over.
pub async fn chunk_rewritten(
    pool: &PgPool,
    lease: &ChunkingLease,
    chunk: NewChunk,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    let mut tx = pool.begin().await?;
    let action = lock_fenced(&mut tx, lease).await?;
    let stored = sqlx::query_scalar!(
        r#"WITH before AS (
               SELECT size_bytes FROM bulk_action_chunks
               WHERE action_id = $1 AND partition = $2 AND seq = $3 AND content_hash = $4
           ), rewritten AS (
               UPDATE bulk_action_chunks SET rewrite = false, size_bytes = $5
               WHERE action_id = $1 AND partition = $2 AND seq = $3 AND content_hash = $4
           )
           SELECT $5 - size_bytes AS "stored!" FROM before"#,
        lease.action_id,
        chunk.partition,
        chunk.seq,
        chunk.content_hash,
        chunk.size_bytes,
    )
    .fetch_optional(&mut *tx)
    .await?;
    make_ready(&mut tx, lease.action_id).await?;
    let bells = action.release_chunks(&mut tx, max_in_flight).await?;
    if let Some(bytes) = stored.filter(|&bytes| bytes != 0) {
        store_bytes(&mut tx, action.account(), bytes).await?;
    }
    tx.commit().await?;
    Ok(bells)
}

/// Notes that the whole file has been cut. Ends the action if its chunks are done already. The bells include that of the
/// account's next file.
///
/// # Errors
/// [`DbError::Fenced`] when the lease is lost or the action paused or over.
pub async fn finish_chunking(
    pool: &PgPool,
    lease: &ChunkingLease,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = lock_fenced(&mut tx, lease).await?;
    action.chunking_done(&mut tx).await?;
    let bells = action.leave_chunker(&mut tx, max_in_flight).await?;
    tx.commit().await?;
    Ok(bells)
}

/// Ends the action because its file cannot be read to its end.
///
/// # Errors
/// [`DbError::Fenced`] when the lease is lost or the action paused or over.
pub async fn refuse_file(
    pool: &PgPool,
    lease: &ChunkingLease,
    code: &str,
    message: &str,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = lock_fenced(&mut tx, lease).await?;
    action.give_up(&mut tx, code, message).await?;
    let bells = action.leave_chunker(&mut tx, max_in_flight).await?;
    tx.commit().await?;
    Ok(bells)
}

/// Counts a failed chunking run: it is tried again later, or the action fails after the last attempt.
///
/// # Errors
/// [`DbError::Fenced`] when the lease is lost or the action paused or over.
pub async fn fail_chunking(
    pool: &PgPool,
    lease: &ChunkingLease,
    message: &str,
    retry: RetryPolicy,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = lock_fenced(&mut tx, lease).await?;
    let failures = sqlx::query_scalar!(
        "UPDATE bulk_actions
         SET chunking_failures = chunking_failures + 1, chunking_owner = NULL, chunking_lease_until = NULL,
             chunking_due_at = now() + $2::bigint * interval '1 millisecond', error_message = $3
         WHERE id = $1 RETURNING chunking_failures",
        lease.action_id,
        retry.delay_ms,
        message,
    )
    .fetch_one(&mut *tx)
    .await?;
    if u32::try_from(failures).is_ok_and(|failures| failures >= retry.max_failures) {
        action.give_up(&mut tx, "chunking_failed", message).await?;
    }
    let bells = action.leave_chunker(&mut tx, max_in_flight).await?;
    tx.commit().await?;
    Ok(bells)
}

/// Gives the lease back unharmed, so that another run can start after `delay_ms`. Nothing happens if it is no longer held.
///
/// # Errors
/// When the database is away.
pub async fn hand_back_chunking(pool: &PgPool, lease: &ChunkingLease, delay_ms: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_actions
         SET chunking_owner = NULL, chunking_lease_until = NULL, rung_at = NULL,
             chunking_due_at = now() + $4::bigint * interval '1 millisecond'
         WHERE id = $1 AND chunking_owner = $2 AND chunking_attempt = $3",
        lease.action_id,
        lease.owner,
        lease.attempt,
        delay_ms,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes back what the reconciler has counted when this lease ran out: its worker lives, and was only frozen or cut off.
///
/// # Errors
/// When the database is away.
pub async fn chunking_lease_survived(pool: &PgPool, lease: &ChunkingLease) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_actions SET chunking_lost = chunking_lost - 1 WHERE id = $1 AND chunking_lost > 0",
        lease.action_id,
    )
    .execute(pool)
    .await?;
    Ok(())
}
