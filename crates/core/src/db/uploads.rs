//! Uploads that write to object storage but are no action yet. An upload whose row is silent for long is an orphan.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

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

/// Ends an upload whose file becomes an action in this transaction; false when it is no upload any more.
pub(super) async fn finish_upload(conn: &mut PgConnection, action_id: Uuid) -> sqlx::Result<bool> {
    let ended = sqlx::query!("DELETE FROM uploads WHERE action_id = $1", action_id).execute(conn).await?;
    Ok(ended.rows_affected() == 1)
}

/// Forgets an upload whose bytes have been removed.
///
/// # Errors
/// When the database is away.
pub async fn end_upload(pool: &PgPool, action_id: Uuid) -> sqlx::Result<()> {
    finish_upload(&mut *pool.acquire().await?, action_id).await?;
    Ok(())
}

/// Whether what is no upload any more has not become an action either.
///
/// # Errors
/// When the database is away.
pub async fn is_abandoned(pool: &PgPool, action_id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM bulk_actions WHERE id = $1) AS "abandoned!""#,
        action_id
    )
    .fetch_one(pool)
    .await
}
