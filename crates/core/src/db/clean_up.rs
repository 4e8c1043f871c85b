//! What PostgreSQL knows of the objects of finished actions: which actions still have objects that nothing needs any more,
//! and what the results of an action are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::action::ActionStatus;

/// A finished action whose objects have not been cleaned up.
#[derive(Debug, Clone)]
pub struct FinishedAction {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub account_id: String,
    /// How it ended.
    pub status: ActionStatus,
    /// When. A retry that comes in between ends it at another time.
    pub completed_at: DateTime<Utc>,
}

/// Up to `limit` actions that ended more than `retention_ms` ago and are not cleaned up, the oldest first.
///
/// # Errors
/// When the database is away.
pub async fn actions_to_clean(
    pool: &PgPool,
    retention_ms: i64,
    limit: i64,
) -> sqlx::Result<Vec<FinishedAction>> {
    sqlx::query_as!(
        FinishedAction,
        r#"SELECT id, account_id, status AS "status: ActionStatus", completed_at AS "completed_at!"
           FROM bulk_actions
           WHERE completed_at < now() - $1::bigint * interval '1 millisecond' AND cleaned_at IS NULL
           ORDER BY completed_at LIMIT $2"#,
        retention_ms,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// The committed chunks (partition, seq) of an action, with the attempt whose results count.
///
/// # Errors
/// When the database is away.
pub async fn committed_attempts(pool: &PgPool, action_id: Uuid) -> sqlx::Result<HashMap<(i16, i32), i32>> {
    let committed = sqlx::query!(
        r#"SELECT partition, seq, results_attempt AS "results_attempt!" FROM bulk_action_chunks
           WHERE action_id = $1 AND status = 'done'"#,
        action_id
    )
    .map(|row| ((row.partition, row.seq), row.results_attempt))
    .fetch_all(pool)
    .await?;
    Ok(committed.into_iter().collect())
}

/// Notes that the action is cleaned up, unless it was tried again meanwhile.
///
/// # Errors
/// When the database is away.
pub async fn mark_cleaned(pool: &PgPool, action: &FinishedAction) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bulk_actions SET cleaned_at = now() WHERE id = $1 AND completed_at = $2",
        action.id,
        action.completed_at,
    )
    .execute(pool)
    .await?;
    Ok(())
}
