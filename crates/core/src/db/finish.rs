//! The commit of a chunk. Records, chunk, counters, the release of the next chunk and the end of the action share one
//! transaction, because a crash between any two of them would lose or double rows. The caller has applied the rows in
//! this transaction already; if the lease is gone by now, rolling back undoes them, and nothing has happened.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;

use super::usage::store_bytes;
use super::{Bell, ChunkLease, DbError, LockedAction};
use crate::action::{ActionStatus, Counts};

/// What the rows of a chunk have come to.
#[derive(Debug, Clone, Default)]
pub struct ChunkCounts {
    /// Rows by status.
    pub by_status: Counts,
    /// Rows by code, of those that occur.
    pub by_code: BTreeMap<&'static str, i64>,
}

/// What the commit of a chunk leads to.
#[derive(Debug)]
pub struct FinishedChunk {
    /// The bells to ring once it is committed.
    pub bells: Vec<Bell>,
    /// Where its action stands.
    pub status: ActionStatus,
    /// Seconds since the action was created, or since it was due.
    pub action_age_seconds: f64,
}

/// Marks the chunk done under its lease, with results of `results_size_bytes` in object storage, adds its rows to the action's counters, makes its successor ready, releases
/// what there is room for, and ends the action if this was its last chunk. The caller commits, then rings the bells.
///
/// # Errors
/// [`DbError::Fenced`] when the lease is lost or the action paused or over; the caller must roll back.
pub async fn finish_chunk(
    conn: &mut PgConnection,
    lease: &ChunkLease,
    counts: &ChunkCounts,
    results_size_bytes: i64,
    max_in_flight: i64,
) -> Result<FinishedChunk, DbError> {
    let mut action = LockedAction::lock(conn, lease.chunk.action_id).await?;
    action.require_running()?;
    mark_done(conn, lease, counts, results_size_bytes, action.next_commit_number()).await?;
    count_rows(conn, lease, counts.by_status).await?;
    make_successor_ready(conn, lease).await?;
    let bells = action.release_chunks(conn, max_in_flight).await?;
    action.chunk_done(conn).await?;
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
