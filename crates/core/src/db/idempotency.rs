//! Idempotency keys of accepted uploads. A key is used in the transaction that creates its action: of several uploads
//! with one key the first to commit gets it; the others wait for that commit and find it. A rejected upload uses no
//! key.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// An idempotency key sent with an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, chosen by the client.
    pub key: String,
    /// Hash of the upload.
    pub payload_hash: [u8; 16],
}

/// Earlier use of a key, within its 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The action that was created.
    pub action_id: Uuid,
    /// Hash of that upload.
    pub payload_hash: Vec<u8>,
}

/// Stores the key for the new action, or returns its earlier use; then the caller must roll back. Waits for a
/// concurrent transaction that uses the same key.
pub(super) async fn use_key(
    conn: &mut PgConnection,
    account: &str,
    key: &IdempotencyKey,
    action_id: Uuid,
) -> sqlx::Result<Option<KeyUse>> {
    let taken = sqlx::query!(
        "INSERT INTO idempotency_keys AS k (account_id, key, payload_hash, action_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, key) DO UPDATE
         SET payload_hash = excluded.payload_hash, action_id = excluded.action_id, created_at = now()
         WHERE k.created_at <= now() - interval '24 hours'",
        account,
        key.key,
        &key.payload_hash[..],
        action_id,
    )
    .execute(&mut *conn)
    .await?;
    if taken.rows_affected() == 1 {
        return Ok(None);
    }
    // The conflict has locked the row, so it still exists.
    let earlier = sqlx::query_as!(
        KeyUse,
        "SELECT action_id, payload_hash FROM idempotency_keys WHERE account_id = $1 AND key = $2",
        account,
        key.key,
    );
    earlier.fetch_one(conn).await.map(Some)
}

/// The account's use of the key within the last 24 hours, if any.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn find_key(pool: &PgPool, account: &str, key: &str) -> sqlx::Result<Option<KeyUse>> {
    sqlx::query_as!(
        KeyUse,
        "SELECT action_id, payload_hash FROM idempotency_keys
         WHERE account_id = $1 AND key = $2 AND created_at > now() - interval '24 hours'",
        account,
        key,
    )
    .fetch_optional(pool)
    .await
}

/// Removes up to `limit` keys older than 24 hours, and returns how many there were.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn remove_expired_keys(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE (account_id, key) IN (
             SELECT account_id, key FROM idempotency_keys
             WHERE created_at <= now() - interval '24 hours'
             ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        limit,
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}
