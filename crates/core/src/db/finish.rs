//! The commit of a chunk. Records, chunk, counters, the release of the next chunk and the end of the action share one
//! transaction, because a crash between two of them would lose rows or count them twice. The caller has already applied
//! the rows in this transaction; if the lease is lost, rolling back undoes them.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;

use super::usage::store_bytes;
use super::{ChunkLease, DbError, LockedAction};
use crate::action::{ActionStatus, Counts};
use crate::queue::Job;

/// Row counts of a chunk.
#[derive(Debug, Clone, Default)]
pub struct ChunkCounts {
    /// Rows by status.
    pub by_status: Counts,
    /// Rows by code; only codes that occur.
    pub by_code: BTreeMap<&'static str, i64>,
}

/// Result of committing a chunk.
#[derive(Debug)]
pub struct FinishedChunk {
    /// Bells to ring after the commit.
    pub bells: Vec<Job>,
    /// Current status of the action.
    pub status: ActionStatus,
    /// Seconds since the action was created, or since its start time if it was scheduled.
    pub action_age_seconds: f64,
}

/// Marks the chunk done under its lease, with results of `results_size_bytes` in object storage. Adds its rows to the
/// action's counters, makes its successor ready, releases chunks up to the account's limit in flight, and ends the
/// action if this was its last chunk. The caller commits, then rings the bells.
///
/// # Errors
/// [`DbError::Fenced`] if the lease is lost, or the action is paused or finished; the caller must roll back.
pub async fn finish_chunk(
    conn: &mut PgConnection,
    lease: &ChunkLease,
    counts: &ChunkCounts,
    results_size_bytes: i64,
    max_in_flight: i64,
) -> Result<FinishedChunk, DbError> {
    // Locked first: the lock decides whether the action still runs, and which commit is its last.
    let mut action = LockedAction::lock(conn, lease.chunk.action_id).await?;
    action.require_running()?;
    mark_done(conn, lease, counts, results_size_bytes, action.next_commit_number()).await?;
    count_rows(conn, lease, counts.by_status).await?;
    // After `mark_done`, which frees the place in flight, and before the release, which may give it to the successor.
    make_successor_ready(conn, lease).await?;
    let bells = action.release_chunks(conn, max_in_flight).await?;
    action.chunk_done(conn).await?;
    // The account's row is locked last in every transaction, so that they cannot deadlock.
    store_bytes(conn, action.account(), results_size_bytes).await?;
    Ok(FinishedChunk { bells, status: action.status(), action_age_seconds: action.age_seconds() })
}

async fn mark_done(
    conn: &mut PgConnection,
    lease: &ChunkLease,
    counts: &ChunkCounts,
    results_size_bytes: i64,
    commit_number: i32,
) -> Result<(), DbError> {
    let marked = sqlx::query!(
        "UPDATE bulk_action_chunks
         SET status = 'done', lease_owner = NULL, lease_until = NULL, last_error = NULL, results_attempt = attempt,
             successful = $6::bigint, failed = $7::bigint, skipped = $8::bigint, completed_at = now(),
             commit_number = $9, results_size_bytes = $10, codes = $11
         WHERE action_id = $1 AND partition = $2 AND seq = $3 AND lease_owner = $4 AND attempt = $5
           AND status = 'running'",
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq,
        lease.owner,
        lease.attempt,
        counts.by_status.successful,
        counts.by_status.failed,
        counts.by_status.skipped,
        commit_number,
        results_size_bytes,
        Json(&counts.by_code) as _,
    )
    .execute(conn)
    .await?;
    // No row was updated if the lease has run out: another worker may have the chunk. The caller rolls everything back.
    if marked.rows_affected() == 1 { Ok(()) } else { Err(DbError::Fenced) }
}

async fn count_rows(conn: &mut PgConnection, lease: &ChunkLease, counts: Counts) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE bulk_action_stats
         SET successful_records = successful_records + $2, failed_records = failed_records + $3,
             skipped_records = skipped_records + $4,
             -- Not now(), the transaction's start: under the action's lock this time only grows.
             updated_at = clock_timestamp()
         WHERE action_id = $1",
        lease.chunk.action_id,
        counts.successful,
        counts.failed,
        counts.skipped,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn make_successor_ready(conn: &mut PgConnection, lease: &ChunkLease) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE bulk_action_chunks SET ready = true
         WHERE action_id = $1 AND partition = $2 AND seq = $3 AND status = 'pending' AND NOT rewrite",
        lease.chunk.action_id,
        lease.chunk.partition,
        lease.chunk.seq + 1,
    )
    .execute(conn)
    .await?;
    Ok(())
}
