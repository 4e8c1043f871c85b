//! Decisions to remove objects from storage. The decision is recorded in the transaction that makes the objects
//! unreachable. [`crate::removal`] then removes the objects, and the record is deleted with the bytes it freed. After a
//! crash at any point the record is still there, and the removal is repeated.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::usage::free_bytes;
use super::{DbError, LockedAction};
use crate::action::{ActionStatus, IllegalMove};
use crate::chunk::ChunkPlace;

/// Time between the removal of everything and its repetition, in ms; longer than any request to object storage takes.
const SECOND_LOOK_AFTER_MS: i64 = 300_000;
/// Time that the request which deletes an action has to remove the objects before the clean-up does it, in ms.
const CALLER_HAS_MS: i64 = 30_000;

/// Objects of an action to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RemovalPart {
    /// Chunks and results that are no longer needed.
    Working,
    /// The uploaded file and its chunks.
    File,
    /// Results.
    Results,
    /// All objects: the action is deleted, or the upload never became an action.
    Everything,
}

impl RemovalPart {
    /// Name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::File => "file",
            Self::Results => "results",
            Self::Everything => "everything",
        }
    }
}

/// A removal that was decided and is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The action, which may no longer exist.
    pub action_id: Uuid,
    /// Account that owns it.
    pub account_id: String,
    /// Objects to remove.
    pub part: RemovalPart,
    /// Unfinished multipart upload of an abandoned upload.
    pub multipart_id: Option<String>,
    /// True if the removal ran once and this is its repetition.
    pub is_second_look: bool,
    /// Failed attempts.
    pub failures: i32,
}

/// Up to `limit` removals that are due, the longest overdue first.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn due_removals(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<Removal>> {
    sqlx::query_as!(
        Removal,
        r#"SELECT action_id, account_id, part AS "part: RemovalPart", multipart_id,
               swept_at IS NOT NULL AS "is_second_look!", failures
           FROM removals WHERE due_at <= now() ORDER BY due_at LIMIT $1"#,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// Number of pending removals, and how many of them have failed before.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn count_removals(pool: &PgPool) -> sqlx::Result<(i64, i64)> {
    let counted = sqlx::query!(
        r#"SELECT count(*) AS "waiting!", count(*) FILTER (WHERE failures > 0) AS "failing!"
           FROM removals WHERE swept_at IS NULL"#
    )
    .fetch_one(pool)
    .await?;
    Ok((counted.waiting, counted.failing))
}

/// Schedules the removal of uploads without activity for longer than `silent_ms`.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn abandon_uploads(pool: &PgPool, silent_ms: i64) -> sqlx::Result<u64> {
    let abandoned = sqlx::query!(
        "WITH abandoned AS (
             DELETE FROM uploads WHERE active_at < now() - $1::bigint * interval '1 millisecond'
             RETURNING action_id, account_id, multipart_id
         )
         INSERT INTO removals (action_id, part, account_id, multipart_id)
         SELECT action_id, 'everything', account_id, multipart_id FROM abandoned
         ON CONFLICT DO NOTHING",
        silent_ms,
    )
    .execute(pool)
    .await?;
    Ok(abandoned.rows_affected())
}

/// Schedules the removal of the chunks of up to `limit` actions that ended more than `kept_ms` ago, except chunks that
/// a retry needs.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn expire_chunks(pool: &PgPool, kept_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let expired = sqlx::query!(
        "WITH due AS (
             SELECT id FROM bulk_actions
             WHERE completed_at < now() - $1::bigint * interval '1 millisecond' AND cleaned_at IS NULL
             ORDER BY completed_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ), marked AS (
             UPDATE bulk_actions a SET cleaned_at = now() FROM due WHERE a.id = due.id RETURNING a.id, a.account_id
         )
         INSERT INTO removals (action_id, part, account_id) SELECT id, 'working', account_id FROM marked
         ON CONFLICT (action_id, part) DO UPDATE SET due_at = now()",
        kept_ms,
        limit,
    )
    .execute(pool)
    .await?;
    Ok(expired.rows_affected())
}

/// Schedules the removal of the files of up to `limit` actions that ended more than `kept_ms` ago.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn expire_files(pool: &PgPool, kept_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let expired = sqlx::query!(
        "WITH due AS (
             SELECT id FROM bulk_actions
             WHERE completed_at < now() - $1::bigint * interval '1 millisecond' AND file_gone_at IS NULL
             ORDER BY completed_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ), marked AS (
             UPDATE bulk_actions a SET file_gone_at = now() FROM due WHERE a.id = due.id RETURNING a.id, a.account_id
         )
         INSERT INTO removals (action_id, part, account_id) SELECT id, 'file', account_id FROM marked
         ON CONFLICT DO NOTHING",
        kept_ms,
        limit,
    )
    .execute(pool)
    .await?;
    Ok(expired.rows_affected())
}

/// Schedules the removal of the results of up to `limit` actions that ended more than `kept_ms` ago.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn expire_results(pool: &PgPool, kept_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let expired = sqlx::query!(
        "WITH due AS (
             SELECT id FROM bulk_actions
             WHERE completed_at < now() - $1::bigint * interval '1 millisecond' AND results_gone_at IS NULL
             ORDER BY completed_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ), marked AS (
             UPDATE bulk_actions a SET results_gone_at = now() FROM due WHERE a.id = due.id
             RETURNING a.id, a.account_id
         )
         INSERT INTO removals (action_id, part, account_id) SELECT id, 'results', account_id FROM marked
         ON CONFLICT DO NOTHING",
        kept_ms,
        limit,
    )
    .execute(pool)
    .await?;
    Ok(expired.rows_affected())
}

/// Deletes up to `limit` actions that ended more than `kept_ms` ago, and returns how many there were.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn expire_actions(pool: &PgPool, kept_ms: i64, limit: i64) -> Result<u64, DbError> {
    let due = sqlx::query!(
        "SELECT id, account_id FROM bulk_actions
         WHERE completed_at < now() - $1::bigint * interval '1 millisecond' ORDER BY completed_at LIMIT $2",
        kept_ms,
        limit,
    )
    .fetch_all(pool)
    .await?;
    let mut deleted = 0;
    for action in due {
        match delete(pool, &action.account_id, action.id, 0).await {
            Ok(removal) => deleted += u64::from(removal.is_some()),
            // The action was retried in the meantime.
            Err(DbError::Illegal(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(deleted)
}

/// Deletes the account's action with all its rows, and returns the removal of its objects for the caller to carry out.
/// If the caller does not, the clean-up does so soon. `None` if the account has no such action.
///
/// # Errors
/// [`DbError::Illegal`] if it is unfinished.
pub async fn delete_action(pool: &PgPool, account: &str, id: Uuid) -> Result<Option<Removal>, DbError> {
    delete(pool, account, id, CALLER_HAS_MS).await
}

async fn delete(pool: &PgPool, account: &str, id: Uuid, due_in_ms: i64) -> Result<Option<Removal>, DbError> {
    let mut tx = pool.begin().await?;
    let Some(action) = LockedAction::lock_owned(&mut tx, account, id).await? else { return Ok(None) };
    let from: ActionStatus = action.status();
    if from.is_unfinished() {
        return Err(IllegalMove { from, event: "be deleted: cancel it first" }.into());
    }
    sqlx::query!("DELETE FROM removals WHERE action_id = $1", id).execute(&mut *tx).await?;
    sqlx::query!(
        "INSERT INTO removals (action_id, part, account_id, due_at, stored_bytes)
         SELECT id, 'everything', account_id, now() + $2::bigint * interval '1 millisecond',
             file_stored_bytes + coalesce((SELECT sum(size_bytes + results_size_bytes)::bigint
                                           FROM bulk_action_chunks WHERE action_id = $1), 0)
         FROM bulk_actions WHERE id = $1",
        id,
        due_in_ms,
    )
    .execute(&mut *tx)
    .await?;
    // Counters, chunks and idempotency key are deleted by cascade.
    sqlx::query!("DELETE FROM bulk_actions WHERE id = $1", id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Some(Removal {
        action_id: id,
        account_id: account.to_owned(),
        part: RemovalPart::Everything,
        multipart_id: None,
        is_second_look: false,
        failures: 0,
    }))
}

/// Records that the objects are removed, and frees their bytes. `chunks` are the chunks whose objects
/// were removed. Does nothing if another process recorded it first.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn removal_done(
    pool: &PgPool,
    removal: &Removal,
    chunks: &[ChunkPlace],
) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    // Lock order of all transactions: the action, its dependent rows, the account.
    sqlx::query!("SELECT id FROM bulk_actions WHERE id = $1 FOR UPDATE", removal.action_id)
        .fetch_optional(&mut *tx)
        .await?;
    let noted = sqlx::query!(
        r#"SELECT stored_bytes, swept_at IS NOT NULL AS "is_second_look!" FROM removals
           WHERE action_id = $1 AND part = $2 FOR UPDATE"#,
        removal.action_id,
        removal.part.as_str(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(noted) = noted.filter(|noted| noted.is_second_look == removal.is_second_look) else {
        return Ok(());
    };
    let freed = match removal.part {
        RemovalPart::Working => forget_chunks(&mut tx, removal.action_id, chunks).await?,
        RemovalPart::File => forget_file(&mut tx, removal.action_id).await?,
        RemovalPart::Results => forget_results(&mut tx, removal.action_id).await?,
        RemovalPart::Everything => noted.stored_bytes,
    };
    if removal.part == RemovalPart::Everything && !removal.is_second_look {
        sqlx::query!(
            "UPDATE removals SET swept_at = now(), stored_bytes = 0, failures = 0, last_error = NULL,
                 due_at = now() + $2::bigint * interval '1 millisecond'
             WHERE action_id = $1 AND part = 'everything'",
            removal.action_id,
            SECOND_LOOK_AFTER_MS,
        )
        .execute(&mut *tx)
        .await?;
    } else {
        sqlx::query!(
            "DELETE FROM removals WHERE action_id = $1 AND part = $2",
            removal.action_id,
            removal.part.as_str(),
        )
        .execute(&mut *tx)
        .await?;
    }
    if freed > 0 {
        free_bytes(&mut tx, &removal.account_id, freed).await?;
    }
    tx.commit().await
}

/// Counts a failed attempt; the next one follows after `delay_ms`.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn removal_failed(
    pool: &PgPool,
    removal: &Removal,
    error: &str,
    delay_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE removals SET failures = failures + 1, last_error = $3,
             due_at = now() + $4::bigint * interval '1 millisecond'
         WHERE action_id = $1 AND part = $2",
        removal.action_id,
        removal.part.as_str(),
        error,
        delay_ms,
    )
    .execute(pool)
    .await?;
    Ok(())
}

async fn forget_chunks(conn: &mut PgConnection, action_id: Uuid, chunks: &[ChunkPlace]) -> sqlx::Result<i64> {
    let (partitions, seqs): (Vec<i16>, Vec<i32>) =
        chunks.iter().map(|chunk| (chunk.partition, chunk.seq)).unzip();
    sqlx::query_scalar!(
        r#"WITH removed AS (
               SELECT c.partition, c.seq, c.size_bytes FROM bulk_action_chunks c
               JOIN unnest($2::smallint[], $3::integer[]) AS r (partition, seq)
                   ON r.partition = c.partition AND r.seq = c.seq
               WHERE c.action_id = $1 AND c.size_bytes > 0
           ), forgotten AS (
               UPDATE bulk_action_chunks c SET size_bytes = 0 FROM removed r
               WHERE c.action_id = $1 AND c.partition = r.partition AND c.seq = r.seq
           )
           SELECT coalesce(sum(size_bytes), 0)::bigint AS "freed!" FROM removed"#,
        action_id,
        &partitions,
        &seqs,
    )
    .fetch_one(conn)
    .await
}

async fn forget_file(conn: &mut PgConnection, action_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"WITH removed AS (
               SELECT file_stored_bytes + coalesce((SELECT sum(size_bytes)::bigint FROM bulk_action_chunks
                                                    WHERE action_id = $1), 0) AS bytes
               FROM bulk_actions WHERE id = $1
           ), chunks AS (
               UPDATE bulk_action_chunks SET size_bytes = 0 WHERE action_id = $1 AND size_bytes > 0
           ), file AS (
               UPDATE bulk_actions SET file_stored_bytes = 0 WHERE id = $1
           )
           SELECT coalesce((SELECT bytes FROM removed), 0) AS "freed!""#,
        action_id,
    )
    .fetch_one(conn)
    .await
}

async fn forget_results(conn: &mut PgConnection, action_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"WITH removed AS (
               SELECT coalesce(sum(results_size_bytes), 0)::bigint AS bytes
               FROM bulk_action_chunks WHERE action_id = $1
           ), forgotten AS (
               UPDATE bulk_action_chunks SET results_size_bytes = 0 WHERE action_id = $1 AND results_size_bytes > 0
           )
           SELECT bytes AS "freed!" FROM removed"#,
        action_id,
    )
    .fetch_one(conn)
    .await
}
