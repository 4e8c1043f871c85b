//! The owner's operations on an action: pause, resume, cancel and retry. Each one is a transaction under the lock of
//! the action's row and takes effect at one instant: commits of workers before it count, later ones are rolled back.
//!
//! An action that is not running has no chunk in flight and none ready. Pause and cancel withdraw its chunks: workers
//! lose their leases, and the account's other actions get the free places in flight in the same transaction. Resume and
//! retry make the chunks ready again; they compete for places like any others.
//!
//! Times are taken with `clock_timestamp()`. `now()` is the start of the transaction, which may have waited for the
//! lock, and could lie before the last commit that counts.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::waiting::{make_ready, withdraw_chunks};
use super::{DbError, LockedAction};
use crate::action::{ActionEvent, ActionStatus};
use crate::queue::Job;

/// Pauses the account's action. `None` if the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] if it is already paused or finished.
pub async fn pause_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Job>>, DbError> {
    let mut tx = pool.begin().await?;
    let Some(mut action) = LockedAction::lock_owned(&mut tx, account, id).await? else { return Ok(None) };
    let paused_from = action.status;
    action.status = action.status.on(ActionEvent::Pause)?;
    sqlx::query!(
        "UPDATE bulk_actions SET status = $2, paused_from = $3, paused_at = clock_timestamp(), chunking_owner = NULL,
             chunking_lease_until = NULL, updated_at = clock_timestamp()
         WHERE id = $1",
        id,
        action.status.as_str(),
        paused_from.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    let bells = release_places(&mut tx, &action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Cancels the account's action. Committed rows stay committed. `None` if the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] if it is already finished.
pub async fn cancel_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Job>>, DbError> {
    let mut tx = pool.begin().await?;
    let Some(mut action) = LockedAction::lock_owned(&mut tx, account, id).await? else { return Ok(None) };
    action.status = action.status.on(ActionEvent::Cancel)?;
    sqlx::query!(
        "UPDATE bulk_actions SET status = $2, paused_from = NULL, paused_at = NULL, chunking_owner = NULL,
             chunking_lease_until = NULL, completed_at = clock_timestamp(), updated_at = clock_timestamp(),
             idle_ms = idle_ms + CASE WHEN started_at IS NULL OR paused_at IS NULL THEN 0
                                      ELSE (extract(epoch FROM clock_timestamp() - paused_at) * 1000)::bigint END
         WHERE id = $1",
        id,
        action.status.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    let bells = release_places(&mut tx, &action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Resumes the account's paused action in its former state. `None` if the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] if it is not paused.
pub async fn resume_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Job>>, DbError> {
    let mut tx = pool.begin().await?;
    let Some(mut action) = LockedAction::lock_owned(&mut tx, account, id).await? else { return Ok(None) };
    // An action that is not paused has no former state. The state machine rejects the event then, with any state in it.
    let from = action.paused_from.unwrap_or(action.status);
    action.status = action.status.on(ActionEvent::Resume(from))?;
    sqlx::query!(
        "UPDATE bulk_actions SET status = $2, paused_from = NULL, paused_at = NULL, chunking_due_at = NULL,
             rung_at = now(), updated_at = clock_timestamp(),
             idle_ms = idle_ms + CASE WHEN started_at IS NULL THEN 0
                                      ELSE (extract(epoch FROM clock_timestamp() - paused_at) * 1000)::bigint END
         WHERE id = $1",
        id,
        action.status.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    let bells = resume_work(&mut tx, &mut action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Retries what failed: dead chunks, from objects that are written again, and a file that failed. Committed rows stay
/// committed. `None` if the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] if it has not failed; [`DbError::Gone`] if its file or results have been removed.
pub async fn retry_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Job>>, DbError> {
    let mut tx = pool.begin().await?;
    let Some(mut action) = LockedAction::lock_owned(&mut tx, account, id).await? else { return Ok(None) };
    action.status = action.status.on(ActionEvent::Retry)?;
    // Under the lock, so that the clean-up cannot remove the file between check and retry.
    require_whole(&mut tx, id).await?;
    revive_chunks(&mut tx, &mut action).await?;
    sqlx::query!(
        "UPDATE bulk_actions SET status = $2, error_code = NULL, error_message = NULL, completed_at = NULL,
             cleaned_at = NULL, chunks_dead = $3, chunking_done_at = CASE WHEN $4 THEN chunking_done_at END,
             chunking_failures = 0, chunking_lost = 0, chunking_due_at = NULL, rung_at = now(), updated_at = clock_timestamp(),
             idle_ms = idle_ms + CASE WHEN started_at IS NULL THEN 0
                                      ELSE (extract(epoch FROM clock_timestamp() - completed_at) * 1000)::bigint END
         WHERE id = $1",
        id,
        action.status.as_str(),
        action.chunks_dead,
        action.chunked,
    )
    .execute(&mut *tx)
    .await?;
    let bells = resume_work(&mut tx, &mut action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Refuses to retry an action whose file or results are removed or scheduled for removal.
async fn require_whole(conn: &mut PgConnection, id: Uuid) -> Result<(), DbError> {
    let gone = sqlx::query!("SELECT file_gone_at, results_gone_at FROM bulk_actions WHERE id = $1", id);
    let gone = gone.fetch_one(conn).await?;
    match (gone.file_gone_at, gone.results_gone_at) {
        (Some(since), _) => Err(DbError::Gone { what: "uploaded file", since }),
        (_, Some(since)) => Err(DbError::Gone { what: "results", since }),
        (None, None) => Ok(()),
    }
}

/// Makes the dead chunks wait for new objects, queues the file for a chunker, and resets the failure counts.
async fn revive_chunks(conn: &mut PgConnection, action: &mut LockedAction) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_action_chunks
         SET status = 'pending', rewrite = rewrite OR status = 'dead', ready = false, failures = 0, lost = 0,
             contended = 0, slow = false, last_error = NULL
         WHERE action_id = $1 AND status IN ('pending', 'dead')
           AND (status = 'dead' OR failures > 0 OR lost > 0 OR contended > 0 OR slow)",
        action.id
    )
    .execute(conn)
    .await?;
    // The file must be cut again, to rewrite the objects of the dead chunks.
    if action.chunks_dead > 0 {
        action.chunked = false;
        action.chunks_dead = 0;
    }
    Ok(())
}

/// Withdraws the action's chunks from the workers and releases chunks of the account's other actions in their place.
async fn release_places(
    conn: &mut PgConnection,
    action: &LockedAction,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
    withdraw_chunks(conn, action.id).await?;
    Ok(action.leave_chunker(conn, max_in_flight).await?)
}

/// Makes all remaining work of the action claimable again, without waiting for the reconciler.
async fn resume_work(
    conn: &mut PgConnection,
    action: &mut LockedAction,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
    let mut bells = Vec::new();
    if action.status.is_running() {
        make_ready(conn, action.id).await?;
        // The last chunk may have died or committed before the pause.
        action.end_or_save(conn).await?;
        bells = action.release_chunks(conn, max_in_flight).await?;
    }
    let waits_for_chunker = action.status.is_running() || action.status == ActionStatus::Queued;
    if waits_for_chunker && !action.chunked {
        bells.push(Job::File { action_id: action.id, traceparent: action.traceparent.clone() });
    }
    Ok(bells)
}
