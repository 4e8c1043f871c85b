//! Uploads that write to object storage and are not an action yet. An upload without activity for long is abandoned.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Records an upload before its first byte is stored.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
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

/// Records activity of an upload and the id of its multipart upload, once there is one. Returns false if it is no
/// longer an upload: it became an action or was removed as abandoned. Waits for a transaction that is deciding that.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
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

/// Ends an upload whose file becomes an action in this transaction; returns false if it is no longer an upload.
pub(super) async fn finish_upload(conn: &mut PgConnection, action_id: Uuid) -> sqlx::Result<bool> {
    let ended = sqlx::query!("DELETE FROM uploads WHERE action_id = $1", action_id).execute(conn).await?;
    Ok(ended.rows_affected() == 1)
}

/// Deletes an upload whose bytes have been removed.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn end_upload(pool: &PgPool, action_id: Uuid) -> sqlx::Result<()> {
    finish_upload(&mut *pool.acquire().await?, action_id).await?;
    Ok(())
}

/// True if an id that is no longer an upload has not become an action either.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn is_abandoned(pool: &PgPool, action_id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM bulk_actions WHERE id = $1) AS "abandoned!""#,
        action_id
    )
    .fetch_one(pool)
    .await
}
