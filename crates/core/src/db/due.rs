//! Queries of the reconciler. Each function makes one kind of overdue work claimable again, or finds work whose job may
//! be lost. All may run at any time and concurrently. They skip chunks locked by other transactions: waiting for one
//! chunk while holding others could deadlock with a pause or cancel.
//!
//! A job only says that something waits; the claim decides what is worked on. So no more jobs are needed than there is
//! work claimable now: for files one per account, however many of its files are due.

use sqlx::PgPool;

use super::locked_action::release_chunks;
use super::{DbError, LockedAction};
use crate::action::{ActionEvent, ActionStatus};
use crate::chunk::ChunkId;
use crate::queue::Job;

/// Maximum number of actions started by one statement. It locks their rows, and a pause of one of them waits for it.
const STARTED_AT_ONCE: i64 = 1_000;

/// Queues scheduled actions whose start time has come, earliest first. Returns true if more may be due.
///
/// # Errors
/// [`DbError::Database`] if the database is unreachable or refuses the statement.
pub async fn start_scheduled(pool: &PgPool) -> Result<bool, DbError> {
    let queued = ActionStatus::Scheduled.on(ActionEvent::ScheduleDue)?;
    // The one status change without `LockedAction`: it changes no counter, and its `WHERE` names the state it expects.
    let started = sqlx::query!(
        "WITH due AS (
             SELECT id FROM bulk_actions WHERE status = 'scheduled' AND scheduled_at <= now()
             ORDER BY scheduled_at LIMIT $2
             FOR UPDATE SKIP LOCKED
         )
         UPDATE bulk_actions a SET status = $1, updated_at = now() FROM due WHERE a.id = due.id",
        queued.as_str(),
        STARTED_AT_ONCE,
    )
    .execute(pool)
    .await?;
    Ok(i64::try_from(started.rows_affected()).is_ok_and(|started| started >= STARTED_AT_ONCE))
}

/// Requeues the chunks of workers whose lease ran out.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn expire_chunk_leases(pool: &PgPool) -> sqlx::Result<Vec<Job>> {
    sqlx::query!(
        // `SKIP LOCKED`: a locked chunk is being committed, renewed or withdrawn; the next round looks at it again.
        "WITH expired AS (
             SELECT action_id, partition, seq FROM bulk_action_chunks
             WHERE status = 'running' AND lease_until < now()
             FOR UPDATE SKIP LOCKED
         )
         UPDATE bulk_action_chunks c
         SET status = 'queued', lease_owner = NULL, lease_until = NULL, rung_at = now(), lost = c.lost + 1
         FROM expired e JOIN bulk_actions a ON a.id = e.action_id
         WHERE c.action_id = e.action_id AND c.partition = e.partition AND c.seq = e.seq
         RETURNING c.action_id, c.partition, c.seq, a.traceparent"
    )
    .map(|row| Job::Chunk {
        chunk: ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq },
        traceparent: row.traceparent,
    })
    .fetch_all(pool)
    .await
}

/// Marks chunks dead whose lease ran out for the `most`th time without a report from the worker, since the chunk may be
/// what kills the workers. Returns how many were found. Runs before [`expire_chunk_leases`], which would requeue them.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn bury_lost_chunks(
    pool: &PgPool,
    most: i32,
    max_in_flight: i64,
) -> Result<(usize, Vec<Job>), DbError> {
    let lost = sqlx::query!(
        "SELECT action_id, partition, seq FROM bulk_action_chunks
         WHERE status = 'running' AND lease_until < now() AND lost + 1 >= $1",
        most,
    )
    .map(|row| ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq })
    .fetch_all(pool)
    .await?;
    let reason = format!(
        "{most} workers in a row ended without a word while they processed this chunk: it may take more memory than they have"
    );
    let (mut count, mut bells) = (0, Vec::new());
    for chunk in lost {
        let mut tx = pool.begin().await?;
        let mut action = LockedAction::lock(&mut tx, chunk.action_id).await?;
        // The first query took no lock, so the worker may have renewed the lease or committed since: the update checks
        // again.
        let buried = sqlx::query!(
            "UPDATE bulk_action_chunks
             SET status = 'dead', lease_owner = NULL, lease_until = NULL, lost = lost + 1, last_error = $4
             WHERE action_id = $1 AND partition = $2 AND seq = $3 AND status = 'running' AND lease_until < now()",
            chunk.action_id,
            chunk.partition,
            chunk.seq,
            reason,
        )
        .execute(&mut *tx)
        .await?;
        // If nothing changed, dropping `tx` rolls back; there is nothing to save.
        if buried.rows_affected() == 1 {
            action.chunk_died(&mut tx).await?;
            bells.extend(action.release_chunks(&mut tx, max_in_flight).await?);
            tx.commit().await?;
            count += 1;
        }
    }
    Ok((count, bells))
}

/// Takes files back from workers whose lease ran out, and returns how many. The `most`th time without a report from a
/// worker and without a new chunk fails the action, since the file may be what kills the workers.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn expire_file_leases(pool: &PgPool, most: i32) -> Result<usize, DbError> {
    let expired = sqlx::query!(
        "SELECT id FROM bulk_actions WHERE chunking_owner IS NOT NULL AND chunking_lease_until < now()"
    )
    .fetch_all(pool)
    .await?;
    let mut count = 0;
    for file in &expired {
        let mut tx = pool.begin().await?;
        let mut action = LockedAction::lock(&mut tx, file.id).await?;
        // Checked again under the action's lock: the worker may have renewed the lease since the first query.
        let lost = sqlx::query_scalar!(
            "UPDATE bulk_actions
             SET chunking_owner = NULL, chunking_lease_until = NULL, chunking_lost = chunking_lost + 1, rung_at = NULL
             WHERE id = $1 AND chunking_owner IS NOT NULL AND chunking_lease_until < now()
             RETURNING chunking_lost",
            file.id,
        )
        .fetch_optional(&mut *tx)
        .await?;
        // The action may have been paused or cancelled since; then only the lease is cleared.
        if lost.is_some_and(|lost| lost >= most) && action.status().is_running() {
            let reason = format!(
                "{most} workers in a row ended without a word while they read this file: it may take more memory than they have. \
                 POST /bulk-actions/{}/retry tries it again",
                file.id
            );
            action.give_up(&mut tx, "chunking_failed", &reason).await?;
        }
        tx.commit().await?;
        count += usize::from(lost.is_some());
    }
    Ok(count)
}

/// Queues the chunks whose next attempt is due.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn retries_due(pool: &PgPool) -> sqlx::Result<Vec<Job>> {
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
    .map(|row| Job::Chunk {
        chunk: ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq },
        traceparent: row.traceparent,
    })
    .fetch_all(pool)
    .await
}

/// Up to `most` chunks that have been queued for longer than `silent_ms`. Fewer jobs than that in the queue mean that
/// some were lost.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn waiting_chunks(pool: &PgPool, silent_ms: i64, most: i64) -> sqlx::Result<Vec<Job>> {
    sqlx::query!(
        "SELECT c.action_id, c.partition, c.seq, a.traceparent
         FROM bulk_action_chunks c JOIN bulk_actions a ON a.id = c.action_id
         WHERE c.status = 'queued'
           AND (c.rung_at IS NULL OR c.rung_at < now() - $1::bigint * interval '1 millisecond')
         LIMIT $2",
        silent_ms,
        most,
    )
    .map(|row| Job::Chunk {
        chunk: ChunkId { action_id: row.action_id, partition: row.partition, seq: row.seq },
        traceparent: row.traceparent,
    })
    .fetch_all(pool)
    .await
}

/// The next file of each account that has a file waiting and none being read, for up to `most` accounts. Files for
/// which a job was sent within the last `silent_ms` are left out. Fewer jobs than that in the queue mean that some were
/// lost.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn waiting_files(pool: &PgPool, silent_ms: i64, most: i64) -> sqlx::Result<Vec<Job>> {
    sqlx::query!(
        r#"WITH RECURSIVE waiting (account_id) AS (
               SELECT min(u.account_id) FROM bulk_actions u
               WHERE u.chunking_done_at IS NULL AND u.chunking_owner IS NULL
                 AND u.status IN ('queued', 'validating', 'processing')
               UNION ALL
               SELECT (SELECT u.account_id FROM bulk_actions u
                       WHERE u.chunking_done_at IS NULL AND u.chunking_owner IS NULL
                         AND u.status IN ('queued', 'validating', 'processing') AND u.account_id > w.account_id
                       ORDER BY u.account_id LIMIT 1)
               FROM waiting w WHERE w.account_id IS NOT NULL
           )
           SELECT f.id AS "id!", f.traceparent AS "traceparent!"
           FROM waiting w CROSS JOIN LATERAL (
               SELECT u.id, u.traceparent, u.rung_at FROM bulk_actions u
               WHERE u.account_id = w.account_id AND u.chunking_done_at IS NULL AND u.chunking_owner IS NULL
                 AND u.status IN ('queued', 'validating', 'processing')
                 AND (u.chunking_due_at IS NULL OR u.chunking_due_at <= now())
               ORDER BY u.id LIMIT 1) f
           WHERE (f.rung_at IS NULL OR f.rung_at < now() - $1::bigint * interval '1 millisecond')
             AND NOT EXISTS (SELECT FROM bulk_actions r
                             WHERE r.account_id = w.account_id AND r.chunking_owner IS NOT NULL)
           LIMIT $2"#,
        silent_ms,
        most,
    )
    .map(|row| Job::File { action_id: row.id, traceparent: row.traceparent })
    .fetch_all(pool)
    .await
}

/// Releases ready chunks of accounts that are below their limit in flight.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn release_waiting(pool: &PgPool, max_in_flight: i64) -> sqlx::Result<Vec<Job>> {
    // Visits each account with waiting chunks by one index probe, however many chunks it has.
    let accounts = sqlx::query_scalar!(
        r#"WITH RECURSIVE waiting (account_id) AS (
               SELECT min(p.account_id) FROM bulk_action_chunks p WHERE p.status = 'pending' AND p.ready
               UNION ALL
               SELECT (SELECT p.account_id FROM bulk_action_chunks p
                       WHERE p.status = 'pending' AND p.ready AND p.account_id > w.account_id
                       ORDER BY p.account_id LIMIT 1)
               FROM waiting w WHERE w.account_id IS NOT NULL
           )
           SELECT w.account_id AS "account_id!" FROM waiting w
           WHERE w.account_id IS NOT NULL
             AND (SELECT count(*) FROM bulk_action_chunks f JOIN bulk_actions o ON o.id = f.action_id
                  WHERE f.account_id = w.account_id AND f.status IN ('queued', 'running', 'retrying')
                    AND o.status IN ('validating', 'processing')) < $1"#,
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

/// Ends actions whose work is complete, and returns how many. The transaction that finishes the last chunk normally
/// does this; this function covers defects that would leave an action unfinished.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn end_finished(pool: &PgPool) -> Result<usize, DbError> {
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
