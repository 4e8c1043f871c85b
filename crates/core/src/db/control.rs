//! What an owner can do to an action: pause, resume, cancel, retry. Each is one transaction under the action's row lock, so
//! it happens at one instant: what workers commit before it counts, what they would commit after it is rolled back.
//!
//! An action that is not running has no chunk in flight and none ready. Pausing and cancelling withdraw them, so that
//! workers lose their leases and the account's room is free for its other actions in the same transaction; resuming and
//! retrying make them ready again, and they compete for room like any others.
//!
//! Instants are taken by `clock_timestamp()`: `now()` is the start of a transaction that may have waited for the lock, and so
//! lie before the last commit that counts.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::waiting::{make_ready, withdraw_chunks};
use super::{Bell, DbError, LockedAction};
use crate::action::{ActionEvent, ActionStatus};

/// Holds the account's action where it is. `None` when the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] when it is paused already or over.
pub async fn pause_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Bell>>, DbError> {
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
    let bells = make_way(&mut tx, &action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Stops the account's action for good; what is done stays done. `None` when the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] when it is over already.
pub async fn cancel_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Bell>>, DbError> {
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
    let bells = make_way(&mut tx, &action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Lets the account's paused action go on from where it was. `None` when the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] when it is not paused.
pub async fn resume_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Bell>>, DbError> {
    let mut tx = pool.begin().await?;
    let Some(mut action) = LockedAction::lock_owned(&mut tx, account, id).await? else { return Ok(None) };
    // An action that is not paused came from nowhere; the state machine then refuses, whatever the event names.
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
    let bells = go_on(&mut tx, &mut action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Tries again what failed: dead chunks, from objects written anew, and a file that was given up. What is done stays done.
/// `None` when the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] when it has not failed; [`DbError::Gone`] when its file or results have been removed.
pub async fn retry_action(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    max_in_flight: i64,
) -> Result<Option<Vec<Bell>>, DbError> {
    let mut tx = pool.begin().await?;
    let Some(mut action) = LockedAction::lock_owned(&mut tx, account, id).await? else { return Ok(None) };
    action.status = action.status.on(ActionEvent::Retry)?;
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
    let bells = go_on(&mut tx, &mut action, max_in_flight).await?;
    tx.commit().await?;
    Ok(Some(bells))
}

/// Refuses to go on with an action whose file or results are, or will be, removed.
async fn require_whole(conn: &mut PgConnection, id: Uuid) -> Result<(), DbError> {
    let gone = sqlx::query!("SELECT file_gone_at, results_gone_at FROM bulk_actions WHERE id = $1", id);
    let gone = gone.fetch_one(conn).await?;
    match (gone.file_gone_at, gone.results_gone_at) {
        (Some(since), _) => Err(DbError::Gone { what: "uploaded file", since }),
        (_, Some(since)) => Err(DbError::Gone { what: "results", since }),
        (None, None) => Ok(()),
    }
}

/// Makes the dead chunks wait for new objects, and with them the file for a chunker. Failures are forgotten.
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
    if action.chunks_dead > 0 {
        action.chunked = false;
        action.chunks_dead = 0;
    }
    Ok(())
}

/// Takes the action's chunks from the workers, and gives its room to the account's other actions.
async fn make_way(
    conn: &mut PgConnection,
    action: &LockedAction,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    withdraw_chunks(conn, action.id).await?;
    Ok(action.leave_chunker(conn, max_in_flight).await?)
}

/// Lets everything of the action that can be worked on be claimed again, without waiting for the reconciler.
async fn go_on(
    conn: &mut PgConnection,
    action: &mut LockedAction,
    max_in_flight: i64,
) -> Result<Vec<Bell>, DbError> {
    let mut bells = Vec::new();
    if action.status.is_running() {
        make_ready(conn, action.id).await?;
        // Its last chunk may have died, or been committed, before it was held.
        action.end_or_save(conn).await?;
        bells = action.release_chunks(conn, max_in_flight).await?;
    }
    let waits_for_chunker = action.status.is_running() || action.status == ActionStatus::Queued;
    if waits_for_chunker && !action.chunked {
        bells.push(Bell::Chunking { action_id: action.id, traceparent: action.traceparent.clone() });
    }
    Ok(bells)
}
