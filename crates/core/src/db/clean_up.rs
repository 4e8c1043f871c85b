//! What PostgreSQL knows of the objects of an action: which of its chunks are committed, and whether the others are wanted.

use std::collections::HashMap;

use sqlx::PgPool;
use uuid::Uuid;

use crate::action::ActionStatus;

/// The chunks of an action whose objects are looked at.
#[derive(Debug, Clone)]
pub struct ActionObjects {
    /// Where the action stands.
    pub status: ActionStatus,
    /// The committed chunks (partition, seq), with the attempt whose results count.
    pub committed: HashMap<(i16, i32), i32>,
}

/// What is known of the objects of an action; `None` when it is gone.
///
/// # Errors
/// When the database is away.
pub async fn action_objects(pool: &PgPool, action_id: Uuid) -> sqlx::Result<Option<ActionObjects>> {
    // Before the chunks: an action whose end is seen commits no further chunk unless it is tried again.
    let status = sqlx::query_scalar!(
        r#"SELECT status AS "status: ActionStatus" FROM bulk_actions WHERE id = $1"#,
        action_id
    )
    .fetch_optional(pool)
    .await?;
    let Some(status) = status else { return Ok(None) };
    let committed = sqlx::query!(
        r#"SELECT partition, seq, results_attempt AS "results_attempt!" FROM bulk_action_chunks
           WHERE action_id = $1 AND status = 'done'"#,
        action_id
    )
    .map(|row| ((row.partition, row.seq), row.results_attempt))
    .fetch_all(pool)
    .await?;
    Ok(Some(ActionObjects { status, committed: committed.into_iter().collect() }))
}
