//! What PostgreSQL says is due: the reconciler's questions. Each function makes one kind of overdue work claimable again
//! and returns the bells to ring. All are safe to run at any time and by several at once. Chunks that a transaction is just
//! changing are passed over: waiting for one while holding others could end in a deadlock with an owner's pause or cancel.

use sqlx::PgPool;

use super::locked_action::release_chunks;
use super::{Bell, DbError, LockedAction};
use crate::chunk::ChunkId;

/// Starts the actions whose scheduled instant has come.
///
/// # Errors
/// When the database is away.
pub async fn schedules_due(pool: &PgPool) -> sqlx::Result<Vec<Bell>> {
    sqlx::query!(
        "UPDATE bulk_actions SET status = 'queued', rung_at = now(), updated_at = now()
         WHERE status = 'scheduled' AND scheduled_at <= now()
         RETURNING id, traceparent"
    )
    .map(|row| Bell::Chunking { action_id: row.id, traceparent: row.traceparent })
    .fetch_all(pool)
    .await
}

/// Takes chunks back from workers whose lease ran out.
///
/// # Errors
/// When the database is away.
pub async fn expire_chunk_leases(pool: &PgPool) -> sqlx::Result<Vec<Bell>> {
    sqlx::query!(
        "WITH expired AS (
             SELECT action_id, partition, seq FROM bulk_action_chunks
             WHERE status = 'running' AND lease_until < now()
             FOR UPDATE SKIP LOCKED
         )
         UPDATE bulk_action_chunks c
         SET status = 'queued', lease_owner = NULL, lease_until = NULL, rung_at = now()
         FROM expired e JOIN bulk_actions a ON a.id = e.action_id
         WHERE c.action_id = e.action_id AND c.partition = e.partition AND c.seq = e.seq
         RETURNING c.action_id, c.partition, c.seq, a.traceparent"
    )
    .map(|row| Bell::Processing {
        chunk: ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq },
        traceparent: row.traceparent,
    })
    .fetch_all(pool)
    .await
}

/// Queues the chunks whose next attempt is due.
///
/// # Errors
/// When the database is away.
pub async fn retries_due(pool: &PgPool) -> sqlx::Result<Vec<Bell>> {
    sqlx::query!(
        "WITH due AS (
             SELECT action_id, partition, seq FROM bulk_action_chunks
             WHERE status = 'retrying' AND due_at <= now()
             FOR UPDATE SKIP LOCKED
         )
         UPDATE bulk_action_chunks c SET status = 'queued', due_at = NULL, rung_at = now()
         FROM due d JOIN bulk_actions a ON a.id = d.action_id
         WHERE c.action_id = d.action_id AND c.partition = d.partition AND c.seq = d.seq
         RETURNING c.action_id, c.partition, c.seq, a.traceparent"
    )
    .map(|row| Bell::Processing {
        chunk: ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq },
        traceparent: row.traceparent,
    })
    .fetch_all(pool)
    .await
}

/// Chunks that have been queued for longer than `silent_ms` since their bell was last rung: it may have been lost.
///
/// # Errors
/// When the database is away.
pub async fn forgotten_chunks(pool: &PgPool, silent_ms: i64) -> sqlx::Result<Vec<Bell>> {
    sqlx::query!(
        "WITH forgotten AS (
             SELECT action_id, partition, seq FROM bulk_action_chunks
             WHERE status = 'queued'
               AND (rung_at IS NULL OR rung_at < now() - $1::bigint * interval '1 millisecond')
             FOR UPDATE SKIP LOCKED
         )
         UPDATE bulk_action_chunks c SET rung_at = now()
         FROM forgotten f JOIN bulk_actions a ON a.id = f.action_id
         WHERE c.action_id = f.action_id AND c.partition = f.partition AND c.seq = f.seq
         RETURNING c.action_id, c.partition, c.seq, a.traceparent",
        silent_ms,
    )
    .map(|row| Bell::Processing {
        chunk: ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq },
        traceparent: row.traceparent,
    })
    .fetch_all(pool)
    .await
}

/// Files that wait to be chunked and that nobody holds: their bell may have been lost, their chunker may have died, or
/// their account may have room again.
///
/// # Errors
/// When the database is away.
pub async fn forgotten_chunking(pool: &PgPool, silent_ms: i64) -> sqlx::Result<Vec<Bell>> {
    sqlx::query!(
        "UPDATE bulk_actions SET rung_at = now()
         WHERE chunking_done_at IS NULL AND status IN ('queued', 'validating', 'processing')
           AND (chunking_lease_until IS NULL OR chunking_lease_until < now())
           AND (chunking_due_at IS NULL OR chunking_due_at <= now())
           AND (rung_at IS NULL OR rung_at < now() - $1::bigint * interval '1 millisecond')
         RETURNING id, traceparent",
        silent_ms,
    )
    .map(|row| Bell::Chunking { action_id: row.id, traceparent: row.traceparent })
    .fetch_all(pool)
    .await
}

/// Releases ready chunks of accounts that have room in flight.
///
/// # Errors
/// When the database is away.
pub async fn release_waiting(pool: &PgPool, max_in_flight: i64) -> sqlx::Result<Vec<Bell>> {
    let accounts = sqlx::query_scalar!(
        "SELECT DISTINCT c.account_id FROM bulk_action_chunks c JOIN bulk_actions a ON a.id = c.action_id
         WHERE c.status = 'pending' AND c.ready AND a.status IN ('validating', 'processing')
           AND (SELECT count(*) FROM bulk_action_chunks f JOIN bulk_actions o ON o.id = f.action_id
                WHERE f.account_id = c.account_id AND f.status IN ('queued', 'running', 'retrying')
                  AND o.status IN ('validating', 'processing')) < $1",
        max_in_flight,
    )
    .fetch_all(pool)
    .await?;
    let mut bells = Vec::new();
    for account in accounts {
        bells.extend(release_chunks(&mut *pool.acquire().await?, &account, max_in_flight).await?);
    }
    Ok(bells)
}

/// Ends the actions that have nothing left to do. The transaction that finishes the last chunk does so itself; this
/// catches what a future defect might leave behind, and says how many there were.
///
/// # Errors
/// When the database is away.
pub async fn settle_finished(pool: &PgPool) -> Result<usize, DbError> {
    let over = sqlx::query_scalar!(
        "SELECT id FROM bulk_actions
         WHERE status IN ('validating', 'processing') AND chunking_done_at IS NOT NULL AND chunks_done = chunk_count"
    )
    .fetch_all(pool)
    .await?;
    for &id in &over {
        let mut tx = pool.begin().await?;
        LockedAction::lock(&mut tx, id).await?.end_or_save(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(over.len())
}
