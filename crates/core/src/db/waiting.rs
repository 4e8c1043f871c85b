//! Moves all waiting work of an action at once: on pause, resume, cancel and retry.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::queue::Job;

/// Withdraws every chunk of an action that is neither done nor dead. A worker that holds one loses its lease: it stops
/// at its next renewal and cannot commit. The caller holds the action's lock and has already changed its status.
///
/// Claims, releases and the reconciler's queries do not take the action's lock. Each of them updates the row of a chunk
/// that this statement updates too, so the later one sees the effect of the earlier one.
pub(super) async fn withdraw_chunks(conn: &mut PgConnection, action_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_action_chunks
         SET status = 'pending', ready = false, lease_owner = NULL, lease_until = NULL, due_at = NULL
         WHERE action_id = $1 AND (status IN ('queued', 'running', 'retrying') OR (status = 'pending' AND ready))",
        action_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reverts [`withdraw_chunks`]: a chunk is ready if its predecessor is done and its object is valid.
pub(super) async fn make_ready(conn: &mut PgConnection, action_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_action_chunks c SET ready = true
         WHERE c.action_id = $1 AND c.status = 'pending' AND NOT c.ready AND NOT c.rewrite
           AND (c.seq = 0 OR EXISTS (SELECT FROM bulk_action_chunks p
                                     WHERE p.action_id = c.action_id AND p.partition = c.partition
                                       AND p.seq = c.seq - 1 AND p.status = 'done'))",
        action_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The bell of the account's file that has waited longest for a chunker, now that `action_id` no longer occupies one.
/// Locks and changes nothing; a needless bell does no harm.
pub(super) async fn next_file(
    conn: &mut PgConnection,
    account: &str,
    action_id: Uuid,
) -> sqlx::Result<Option<Job>> {
    sqlx::query!(
        "SELECT id, traceparent FROM bulk_actions
         WHERE account_id = $1 AND id <> $2 AND chunking_done_at IS NULL AND chunking_owner IS NULL
           AND status IN ('queued', 'validating', 'processing')
           AND (chunking_due_at IS NULL OR chunking_due_at <= now())
         ORDER BY id LIMIT 1",
        account,
        action_id,
    )
    .map(|row| Job::File { action_id: row.id, traceparent: row.traceparent })
    .fetch_optional(conn)
    .await
}
