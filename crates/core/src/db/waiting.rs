//! What of an action waits for workers, set all at once when it is held, goes on, or gives its place to others.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Bell;

/// Takes every chunk of an action that is neither done nor dead out of reach of the workers. A worker that has one loses
/// its lease: it stops at its next renewal, and cannot commit. The caller holds the action's lock and has ended its running.
///
/// Claims, releases and the reconciler's questions do not take the action's lock. Each of them changes the row of a chunk
/// that this statement changes too, so whichever comes second sees what the first has done.
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

/// Undoes [`withdraw_chunks`]: a chunk is ready when its predecessor is done and its object is to be trusted.
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
/// Nothing is locked or changed: ringing in vain does no harm.
pub(super) async fn next_file(
    conn: &mut PgConnection,
    account: &str,
    action_id: Uuid,
) -> sqlx::Result<Option<Bell>> {
    sqlx::query!(
        "SELECT id, traceparent FROM bulk_actions
         WHERE account_id = $1 AND id <> $2 AND chunking_done_at IS NULL AND chunking_owner IS NULL
           AND status IN ('queued', 'validating', 'processing')
           AND (chunking_due_at IS NULL OR chunking_due_at <= now())
         ORDER BY id LIMIT 1",
        account,
        action_id,
    )
    .map(|row| Bell::Chunking { action_id: row.id, traceparent: row.traceparent })
    .fetch_optional(conn)
    .await
}
