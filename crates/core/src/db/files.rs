//! Transitions of the chunking worker. Each one names the lease (owner and attempt) it runs under, so a chunker that
//! comes back after its lease ran out changes nothing.

use std::collections::HashMap;

use csv_intake::header::Mapping;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::error::fitting;
use super::usage::store_bytes;
use super::waiting::make_ready;
use super::{DbError, LockedAction, RetryPolicy};
use crate::action::{ActionEvent, ActionType, Intake, OnConflict};
use crate::chunk::ChunkPlace;
use crate::queue::Job;

/// Proof of a claim: the fencing token of one pass over a file.
#[derive(Debug, Clone)]
pub struct FileLease {
    /// The action.
    pub action_id: Uuid,
    /// Worker that holds the lease.
    pub owner: String,
    /// Number of this claim among the claims of the action.
    pub attempt: i32,
}

/// A claimed file with everything needed to cut it into chunks.
#[derive(Debug, Clone)]
pub struct FileClaim {
    /// The lease.
    pub lease: FileLease,
    /// Account that owns it.
    pub account_id: String,
    /// Name of the entity that the rows describe.
    pub entity_type: String,
    /// Hash of the declaration at the time of the upload.
    pub entity_hash: Option<Uuid>,
    /// Effective operation applied to each row.
    pub action_type: ActionType,
    /// Skip later rows with a key seen before.
    pub deduplicate: bool,
    /// Maps CSV headers to entity columns.
    pub mapping: Mapping,
    /// Options for reading the file.
    pub intake: Intake,
    /// Object key of the file.
    pub file_key: String,
    /// Size of the stored file.
    pub file_size_bytes: u64,
    /// Rows per chunk.
    pub chunk_size: usize,
    /// Maximum bytes per chunk; the chunk ends at whichever limit comes first.
    pub chunk_size_bytes: usize,
    /// Number of partitions.
    pub partitions: u16,
    /// Data rows counted at upload.
    pub total_rows: u64,
    /// Earlier runs that failed.
    pub failures: u32,
    /// Trace context of its action.
    pub traceparent: String,
    /// Chunks recorded by earlier runs.
    pub recorded: HashMap<ChunkPlace, RecordedChunk>,
}

/// A chunk recorded by an earlier run. It is kept, unless its object must be written again.
#[derive(Debug, Clone, Copy)]
pub struct RecordedChunk {
    /// Hash of its object.
    pub content_hash: i64,
    /// The object may be missing or damaged. No worker claims the chunk until the object is written again.
    pub rewrite: bool,
}

/// A chunk whose object is stored.
#[derive(Debug, Clone, Copy)]
pub struct NewChunk {
    /// The partition.
    pub partition: i16,
    /// Position in the partition.
    pub seq: i32,
    /// Rows in it.
    pub row_count: i32,
    /// Hash of its object.
    pub content_hash: i64,
    /// Size of its object.
    pub size_bytes: i64,
}

/// Accounts that one claim examines: more than can be served at once, so that one with a claimable file is found.
const ACCOUNTS_PER_CLAIM: i32 = 64;
/// Repetitions of a claim after another worker took the file that was found.
const CLAIM_ATTEMPTS: usize = 5;

/// Limits on the files that a claim may take.
#[derive(Debug, Clone, Copy)]
pub struct FileShare {
    /// Files of one account that may be read concurrently, over all workers.
    pub max_per_account: i64,
    /// Maximum size of a file.
    pub max_bytes: i64,
}

/// Claims the next file. `None` when no file may be read: none waits, or each waiting account already has its maximum
/// of files being read.
///
/// A job says that a file waits, not which one; following the order of the queue would give each account as many turns
/// as it has jobs. Accounts take turns by name, starting after `after`, the account that this worker served last.
/// Within an account the oldest action comes first.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn claim_file(
    pool: &PgPool,
    owner: &str,
    lease_ms: i64,
    share: FileShare,
    after: &str,
) -> Result<Option<FileClaim>, DbError> {
    for _ in 0..CLAIM_ATTEMPTS {
        let Some(next) = next_file_in_turn(pool, share, after).await? else { return Ok(None) };
        let claim = lease_file(pool, next, owner, lease_ms, share.max_per_account).await?;
        if claim.is_some() {
            return Ok(claim);
        }
    }
    Ok(None)
}

/// True if a file waits whose account has none being read, so that it should get the next slot.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn files_wait_for_a_slot(pool: &PgPool, max_bytes: i64) -> sqlx::Result<bool> {
    Ok(next_file_in_turn(pool, FileShare { max_per_account: 1, max_bytes }, "").await?.is_some())
}

/// The next file in turn. Nothing is locked, so another worker may find the same file.
async fn next_file_in_turn(pool: &PgPool, share: FileShare, after: &str) -> sqlx::Result<Option<Uuid>> {
    // `turn` visits each waiting account once, with one index probe each. It looks only at an account's oldest files,
    // so a backlog of thousands costs no more than a few.
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

/// Takes the lease of this file, unless another worker has taken it first.
async fn lease_file(
    pool: &PgPool,
    action_id: Uuid,
    owner: &str,
    lease_ms: i64,
    max_per_account: i64,
) -> Result<Option<FileClaim>, DbError> {
    let mut tx = pool.begin().await?;
    // Fenced: the action has been deleted since it was found.
    let action = match LockedAction::lock(&mut tx, action_id).await {
        Ok(action) => action,
        Err(DbError::Fenced) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The action may have been paused or finished since it was found.
    let Ok(status) = action.status().on(ActionEvent::ChunkingClaimed) else { return Ok(None) };
    // Checked again under the lock, because `next_file_in_turn` takes none.
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
    Ok(Some(FileClaim {
        lease: FileLease { action_id, owner: owner.to_owned(), attempt: claimed.chunking_attempt },
        account_id: claimed.account_id,
        entity_type: claimed.entity_type,
        entity_hash: claimed.entity_hash,
        action_type: claimed.action_type.in_effect(claimed.on_conflict),
        deduplicate: claimed.deduplicate,
        mapping: claimed.mapping.0,
        intake: claimed.intake.0,
        file_key: claimed.file_key,
        file_size_bytes: fitting(claimed.file_size_bytes)?,
        chunk_size: fitting(claimed.chunk_size)?,
        chunk_size_bytes: fitting(claimed.chunk_size_bytes)?,
        partitions: fitting(claimed.partitions)?,
        total_rows: fitting(claimed.total_records)?,
        failures: fitting(claimed.chunking_failures)?,
        traceparent: claimed.traceparent,
        recorded,
    }))
}

async fn recorded_chunks(
    conn: &mut PgConnection,
    action_id: Uuid,
) -> sqlx::Result<HashMap<ChunkPlace, RecordedChunk>> {
    sqlx::query!(
        "SELECT partition, seq, content_hash, rewrite FROM bulk_action_chunks WHERE action_id = $1",
        action_id
    )
    .map(|row| {
        let chunk = RecordedChunk { content_hash: row.content_hash, rewrite: row.rewrite };
        (ChunkPlace { partition: row.partition, seq: row.seq }, chunk)
    })
    .fetch_all(conn)
    .await
    .map(|chunks| chunks.into_iter().collect())
}

/// Renews the lease. Returns false if it is no longer held.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn renew_file(pool: &PgPool, lease: &FileLease, lease_ms: i64) -> sqlx::Result<bool> {
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

/// Locks the action and checks that the lease is still held and the action still running.
async fn lock_fenced(conn: &mut PgConnection, lease: &FileLease) -> Result<LockedAction, DbError> {
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

/// Records a chunk whose object is stored, and releases chunks up to the account's limit in flight.
///
/// # Errors
/// [`DbError::Fenced`] if the lease is lost, or the action is paused or finished.
pub async fn record_chunk(
    pool: &PgPool,
    lease: &FileLease,
    chunk: NewChunk,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = lock_fenced(&mut tx, lease).await?;
    // The predecessor cannot become done in the meantime: that needs the action's lock too.
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
    // A reading that gets further is not what kills its workers.
    sqlx::query!(
        "UPDATE bulk_actions SET chunking_lost = 0 WHERE id = $1 AND chunking_lost > 0",
        lease.action_id
    )
    .execute(&mut *tx)
    .await?;
    let bells = action.release_chunks(&mut tx, max_in_flight).await?;
    store_bytes(&mut tx, action.account(), chunk.size_bytes).await?;
    tx.commit().await?;
    Ok(bells)
}

/// Records that the object of a chunk has been written again, and releases chunks up to the account's limit in flight.
///
/// # Errors
/// [`DbError::Fenced`] if the lease is lost, or the action is paused or finished.
pub async fn chunk_rewritten(
    pool: &PgPool,
    lease: &FileLease,
    chunk: NewChunk,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
    let mut tx = pool.begin().await?;
    let action = lock_fenced(&mut tx, lease).await?;
    // The hash is part of the condition: a rewrite must not replace a chunk that was cut differently.
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

/// Records that the whole file has been cut. Ends the action if all its chunks are done already. The returned bells
/// include the one of the account's next file.
///
/// # Errors
/// [`DbError::Fenced`] if the lease is lost, or the action is paused or finished.
pub async fn finish_file(pool: &PgPool, lease: &FileLease, max_in_flight: i64) -> Result<Vec<Job>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = lock_fenced(&mut tx, lease).await?;
    action.chunking_done(&mut tx).await?;
    let bells = action.leave_chunker(&mut tx, max_in_flight).await?;
    tx.commit().await?;
    Ok(bells)
}

/// Fails the action because its file cannot be read to the end.
///
/// # Errors
/// [`DbError::Fenced`] if the lease is lost, or the action is paused or finished.
pub async fn refuse_file(
    pool: &PgPool,
    lease: &FileLease,
    code: &str,
    message: &str,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
    let mut tx = pool.begin().await?;
    let mut action = lock_fenced(&mut tx, lease).await?;
    action.give_up(&mut tx, code, message).await?;
    let bells = action.leave_chunker(&mut tx, max_in_flight).await?;
    tx.commit().await?;
    Ok(bells)
}

/// Counts a failed run. The file is retried later; after the last attempt the action fails.
///
/// # Errors
/// [`DbError::Fenced`] if the lease is lost, or the action is paused or finished.
pub async fn fail_file(
    pool: &PgPool,
    lease: &FileLease,
    message: &str,
    retry: RetryPolicy,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
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

/// Returns the lease without counting a failure; another run can start after `delay_ms`. Does nothing if the lease is
/// no longer held.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn hand_back_file(pool: &PgPool, lease: &FileLease, delay_ms: i64) -> sqlx::Result<()> {
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

/// Reverts the loss that the reconciler counted when this lease ran out: the worker is alive and was only frozen or
/// disconnected.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn file_lease_survived(pool: &PgPool, lease: &FileLease) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_actions SET chunking_lost = chunking_lost - 1 WHERE id = $1 AND chunking_lost > 0",
        lease.action_id,
    )
    .execute(pool)
    .await?;
    Ok(())
}
