//! The state needed to clean up the objects of an action: its committed chunks, and whether the others are still
//! needed.

use std::collections::HashMap;

use sqlx::PgPool;
use uuid::Uuid;

use crate::action::ActionStatus;
use crate::chunk::ChunkPlace;

/// Committed chunks of an action, for deciding which of its objects are still needed.
#[derive(Debug, Clone)]
pub(crate) struct ActionObjects {
    /// Current status of the action.
    pub status: ActionStatus,
    /// The committed chunks, with the attempt that wrote the valid results.
    pub committed: HashMap<ChunkPlace, i32>,
}

/// The committed chunks of an action; `None` if the action has been deleted.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn action_objects(pool: &PgPool, action_id: Uuid) -> sqlx::Result<Option<ActionObjects>> {
    // Read before the chunks: an action that is seen finished commits no further chunk unless it is retried.
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
    .map(|row| (ChunkPlace { partition: row.partition, seq: row.seq }, row.results_attempt))
    .fetch_all(pool)
    .await?;
    Ok(Some(ActionObjects { status, committed: committed.into_iter().collect() }))
}
