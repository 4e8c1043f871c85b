//! Declarations of entities at the time of an upload, stored by the hash of their text.

use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

/// Stores a declaration's text; does nothing if it is stored already.
pub(super) async fn keep_declaration(
    executor: impl PgExecutor<'_>,
    hash: Uuid,
    text: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO entity_declarations (hash, text) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING",
        hash,
        text,
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// The text of the declaration with this hash.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(super) async fn find_declaration(pool: &PgPool, hash: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT text FROM entity_declarations WHERE hash = $1", hash)
        .fetch_optional(pool)
        .await
}
