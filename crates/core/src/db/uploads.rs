//! Uploads that write to object storage but are no action yet. An upload whose row is silent for long is an orphan.

use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

/// What an abandoned upload left in object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanedUpload {
    /// The id that the action would have had.
    pub action_id: Uuid,
    /// Where its bytes went.
    pub object_key: String,
    /// The multipart upload to abort, if one was begun.
    pub multipart_id: Option<String>,
}

/// Notes an upload before its first byte is stored.
///
/// # Errors
/// When the database is away.
pub async fn begin_upload(
    pool: &PgPool,
    action_id: Uuid,
    account: &str,
    object_key: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO uploads (action_id, account_id, object_key) VALUES ($1, $2, $3)",
        action_id,
        account,
        object_key
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes that bytes still arrive, and the multipart upload that takes them, once there is one. False when this is no
/// upload any more: it became an action, or was removed as abandoned. Waits for a transaction that is about to decide that.
///
/// # Errors
/// When the database is away.
pub async fn touch_upload(pool: &PgPool, action_id: Uuid, multipart_id: Option<&str>) -> sqlx::Result<bool> {
    let touched = sqlx::query!(
        "UPDATE uploads SET active_at = now(), multipart_id = coalesce($2, multipart_id) WHERE action_id = $1",
        action_id,
        multipart_id
    )
    .execute(pool)
    .await?;
    Ok(touched.rows_affected() == 1)
}

/// Forgets an upload: it became an action, or what it stored has been removed.
///
/// # Errors
/// When the database is away.
pub async fn end_upload(executor: impl PgExecutor<'_>, action_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM uploads WHERE action_id = $1", action_id).execute(executor).await?;
    Ok(())
}

/// Uploads that have been silent for longer than `silent_ms`.
///
/// # Errors
/// When the database is away.
pub async fn orphaned_uploads(pool: &PgPool, silent_ms: i64) -> sqlx::Result<Vec<OrphanedUpload>> {
    sqlx::query_as!(
        OrphanedUpload,
        "SELECT action_id, object_key, multipart_id FROM uploads
         WHERE active_at < now() - $1::bigint * interval '1 millisecond'
         ORDER BY active_at LIMIT 100",
        silent_ms
    )
    .fetch_all(pool)
    .await
}
