//! Idempotency keys of accepted uploads. A key is used in the transaction that creates its action: of several uploads with
//! one key the first to commit has it, the others wait for that commit and find it. An upload that is refused uses no key.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A key as it came with an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The caller's word for it.
    pub key: String,
    /// Hash of what was uploaded.
    pub payload_hash: [u8; 16],
}

/// What a key was used for before, within its 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The action that was created.
    pub action_id: Uuid,
    /// Hash of what was uploaded then.
    pub payload_hash: Vec<u8>,
}

/// Gives the key to the new action; or returns its earlier use, and the caller must roll back. Waits for a transaction that
/// is just using the key.
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
    // The conflict has locked the row, so it is still there.
    let earlier = sqlx::query_as!(
        KeyUse,
        "SELECT action_id, payload_hash FROM idempotency_keys WHERE account_id = $1 AND key = $2",
        account,
        key.key,
    );
    earlier.fetch_one(conn).await.map(Some)
}

/// What the account has used the key for within the last 24 hours.
///
/// # Errors
/// When the database is away.
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

/// Removes up to `limit` keys whose 24 hours are over, and says how many there were.
///
/// # Errors
/// When the database is away.
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
