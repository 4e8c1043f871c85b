//! Actions as the API creates and shows them. Reads filter by account, so the id of another account's action finds
//! nothing.

use chrono::{DateTime, TimeDelta, Utc};
use csv_intake::header::Mapping;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use super::declarations::keep_declaration;
use super::idempotency::{IdempotencyKey, KeyUse, use_key};
use super::uploads::finish_upload;
use super::usage::{QuotaExceeded, Quotas, take_room};
use crate::action::{
    ActionConfiguration, ActionStatus, ActionType, Counts, Intake, OnConflict, Outcome, Progress,
};

/// An action to create, with its file already stored.
#[derive(Debug, Clone)]
pub struct NewAction {
    /// Version 7 UUID.
    pub id: Uuid,
    /// Account that owns it.
    pub account_id: String,
    /// Name of the entity that the rows describe.
    pub entity_type: String,
    /// Hash of the entity's declaration.
    pub entity_hash: Uuid,
    /// Text of the entity's declaration.
    pub entity_declaration: String,
    /// Operation applied to each row.
    pub action_type: ActionType,
    /// Options chosen at upload.
    pub configuration: ActionConfiguration,
    /// Start time, if not immediately.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The client's name for the file. It is only displayed and never used as a path.
    pub file_name: String,
    /// Object key of the file.
    pub file_key: String,
    /// The file, as object storage has it.
    pub file: StoredFile,
    /// The workbook that the file was made of, where one was uploaded.
    pub workbook: Option<StoredFile>,
    /// Data rows.
    pub total_rows: i64,
    /// Rows per chunk.
    pub chunk_size: i32,
    /// Maximum bytes per chunk; the chunk ends at whichever limit comes first.
    pub chunk_size_bytes: i32,
    /// Number of partitions.
    pub partitions: i16,
    /// Trace context of the request.
    pub traceparent: String,
}

/// An object in object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Size.
    pub size_bytes: i64,
    /// ETag that object storage gave it.
    pub etag: String,
}

impl NewAction {
    /// The uploaded file: the workbook if there is one.
    #[must_use]
    pub fn uploaded(&self) -> &StoredFile {
        self.workbook.as_ref().unwrap_or(&self.file)
    }

    /// Bytes that are stored of it.
    fn stored_bytes(&self) -> i64 {
        self.file.size_bytes + self.workbook.as_ref().map_or(0, |workbook| workbook.size_bytes)
    }
}

/// Result of inserting an action.
#[derive(Debug, Clone)]
pub enum Insertion {
    /// Created at this instant.
    Created(DateTime<Utc>),
    /// Not created: the idempotency key belongs to an earlier upload.
    KeyUsed(KeyUse),
    /// Not created: the account would exceed a quota.
    OverQuota(QuotaExceeded),
    /// Not created: the upload was already removed as abandoned, or the account is being erased.
    UploadLost,
}

/// An action with its counters.
#[derive(Debug, Clone)]
pub struct ActionRecord {
    /// Unique id.
    pub id: Uuid,
    /// Account that owns it.
    pub account_id: String,
    /// Name of the entity that the rows describe.
    pub entity_type: String,
    /// Hash of the declaration at the time of the upload; `None` for actions from before declarations were stored.
    pub entity_hash: Option<Uuid>,
    /// Operation applied to each row.
    pub action_type: ActionType,
    /// Current status.
    pub status: ActionStatus,
    /// Result, once completed.
    pub outcome: Option<Outcome>,
    /// Error code, if the action failed.
    pub error_code: Option<String>,
    /// Error message, if the action failed.
    pub error_message: Option<String>,
    /// Options chosen at upload.
    pub configuration: ActionConfiguration,
    /// Start time, if not immediately.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The client's name for the file.
    pub file_name: String,
    /// Object key of the file.
    pub file_key: String,
    /// The uploaded file.
    pub uploaded: StoredFile,
    /// Time at which the file was completely stored.
    pub file_uploaded_at: DateTime<Utc>,
    /// Chunks recorded so far.
    pub chunk_count: i32,
    /// Chunks committed.
    pub chunks_done: i32,
    /// Chunks that are dead: given up after their last attempt.
    pub chunks_dead: i32,
    /// True if the whole file has been cut into chunks.
    pub chunked: bool,
    /// Data rows.
    pub total_rows: i64,
    /// Rows with an outcome.
    pub counts: Counts,
    /// Trace context of the creating request.
    pub traceparent: String,
    /// Creation time.
    pub created_at: DateTime<Utc>,
    /// Last change of status or counters.
    pub updated_at: DateTime<Utc>,
    /// Time of the first claim by a worker.
    pub started_at: Option<DateTime<Utc>>,
    /// Time at which the action reached a final state.
    pub completed_at: Option<DateTime<Utc>>,
    /// Time of the pause, while paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// Time since `started_at` during which the action was paused or failed, in ms.
    pub idle_ms: i64,
    /// Time from which the uploaded file is no longer available.
    pub file_gone_at: Option<DateTime<Utc>>,
    /// Time from which the results are no longer available.
    pub results_gone_at: Option<DateTime<Utc>>,
    /// True if it is queued while another file of its account is being read.
    pub behind_own_file: bool,
    /// Time of this read by the database's clock, which also set all other times.
    pub read_at: DateTime<Utc>,
}

impl ActionRecord {
    /// Progress at the time of the read, or at the end or pause of the action.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let until = self.completed_at.or(self.paused_at).unwrap_or(self.read_at);
        let worked = self.started_at.map(|at| until - at - TimeDelta::milliseconds(self.idle_ms));
        Progress::of(&self.counts, self.total_rows, worked, self.status.moves())
    }
}

/// Filter for a list of actions.
#[derive(Debug, Clone, Default)]
pub struct ActionFilter {
    /// Only actions with this status.
    pub status: Option<ActionStatus>,
    /// Only actions of this entity.
    pub entity_type: Option<String>,
    /// Only actions with this operation.
    pub action_type: Option<ActionType>,
    /// Only actions whose file name contains this text, in any case.
    pub file_name: Option<String>,
}

/// Maximum number of actions, newest first, that a filter without an index (operation, file name) searches.
const MOST_SEARCHED: i64 = 10_000;

/// Creates an action and its counters, uses its idempotency key, counts its file towards the account's quotas and ends
/// its upload, all in one transaction. If any part fails, nothing changes.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn insert_action(
    pool: &PgPool,
    new: &NewAction,
    key: Option<&IdempotencyKey>,
    quotas: &Quotas,
) -> sqlx::Result<Insertion> {
    let mut tx = pool.begin().await?;
    let status = if new.scheduled_at.is_some() { ActionStatus::Scheduled } else { ActionStatus::Queued };
    keep_declaration(&mut *tx, new.entity_hash, &new.entity_declaration).await?;
    let created_at = sqlx::query_scalar!(
        "INSERT INTO bulk_actions (id, account_id, entity_type, action_type, status, deduplicate, on_conflict, mapping,
             dry_run, scheduled_at, file_name, file_key, file_size_bytes, file_stored_bytes, file_etag,
             file_uploaded_at, chunk_size, chunk_size_bytes, partitions, traceparent, entity_hash, intake,
             uploaded_size_bytes, uploaded_etag, rung_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, now(), $16, $17, $18, $19, $20, $21,
             $22, $23, now())
         RETURNING created_at",
        new.id,
        new.account_id,
        new.entity_type,
        new.action_type.as_str(),
        status.as_str(),
        new.configuration.deduplicate,
        new.configuration.on_conflict.as_str(),
        Json(&new.configuration.mapping) as _,
        new.configuration.dry_run,
        new.scheduled_at,
        new.file_name,
        new.file_key,
        new.file.size_bytes,
        new.stored_bytes(),
        new.file.etag,
        new.chunk_size,
        new.chunk_size_bytes,
        new.partitions,
        new.traceparent,
        new.entity_hash,
        Json(&new.configuration.intake) as _,
        new.workbook.as_ref().map(|workbook| workbook.size_bytes),
        new.workbook.as_ref().map(|workbook| &workbook.etag),
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO bulk_action_stats (action_id, total_records) VALUES ($1, $2)",
        new.id,
        new.total_rows
    )
    .execute(&mut *tx)
    .await?;
    if let Some(key) = key
        && let Some(earlier) = use_key(&mut tx, &new.account_id, key, new.id).await?
    {
        return Ok(Insertion::KeyUsed(earlier));
    }
    if let Some(exceeded) = take_room(&mut tx, &new.account_id, new.stored_bytes(), quotas).await? {
        return Ok(Insertion::OverQuota(exceeded));
    }
    if !finish_upload(&mut tx, new.id).await? {
        return Ok(Insertion::UploadLost);
    }
    tx.commit().await?;
    Ok(Insertion::Created(created_at))
}

/// The account's action with this id.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn find_action(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<Option<ActionRecord>> {
    let found = select_actions(pool, Some(account), &[id], true).await?;
    Ok(found.into_iter().next())
}

/// The actions with these ids, newest first, without their mappings. Unlike the other reads this one does not filter by
/// account: callers have already found each action with [`find_action`] and poll its progress.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn followed_actions(pool: &PgPool, ids: &[Uuid]) -> sqlx::Result<Vec<ActionRecord>> {
    select_actions(pool, None, ids, false).await
}

/// A page of the account's actions, newest first: up to `limit` after skipping `offset`, optionally only those before
/// `before`. Mappings are left out; one of them can be as large as a hundred actions.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn list_actions(
    pool: &PgPool,
    account: &str,
    filter: &ActionFilter,
    before: Option<Uuid>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<ActionRecord>> {
    // Four statements in one, of which the conditions on the parameters run exactly one. Three have their own index, which
    // a plan for any filter could not use; the fourth searches a bounded number of actions. The ids are selected first, so
    // that skipped rows are skipped within the index.
    let ids = sqlx::query_scalar!(
        r#"(SELECT id AS "id!" FROM bulk_actions
            WHERE $7::text IS NULL AND $8::text IS NULL AND $2::text IS NULL AND $3::text IS NULL
              AND account_id = $1 AND id < $4
            ORDER BY id DESC LIMIT $5 OFFSET $6)
           UNION ALL
           (SELECT id FROM bulk_actions
            WHERE $7::text IS NULL AND $8::text IS NULL AND $2::text IS NULL AND $3::text IS NOT NULL
              AND account_id = $1 AND entity_type = $3 AND id < $4
            ORDER BY id DESC LIMIT $5 OFFSET $6)
           UNION ALL
           (SELECT id FROM bulk_actions
            WHERE $7::text IS NULL AND $8::text IS NULL AND $2::text IS NOT NULL AND account_id = $1 AND status = $2
              AND ($3::text IS NULL OR entity_type = $3) AND id < $4
            ORDER BY id DESC LIMIT $5 OFFSET $6)
           UNION ALL
           (SELECT id FROM (
                SELECT id, status, entity_type, action_type, file_name FROM bulk_actions
                WHERE ($7::text IS NOT NULL OR $8::text IS NOT NULL) AND account_id = $1 AND id < $4
                ORDER BY id DESC LIMIT $9) searched
            WHERE ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR entity_type = $3)
              AND ($7::text IS NULL OR action_type = $7) AND ($8::text IS NULL OR strpos(lower(file_name), lower($8)) > 0)
            ORDER BY id DESC LIMIT $5 OFFSET $6)"#,
        account,
        filter.status.map(ActionStatus::as_str),
        filter.entity_type,
        before.unwrap_or(Uuid::max()),
        limit,
        offset,
        filter.action_type.map(ActionType::as_str),
        filter.file_name,
        MOST_SEARCHED,
    )
    .fetch_all(pool)
    .await?;
    select_actions(pool, Some(account), &ids, false).await
}

/// Counts the account's actions up to `most`. The limit bounds the cost; clients do not page further.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn count_actions(
    pool: &PgPool,
    account: &str,
    filter: &ActionFilter,
    most: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               (SELECT id FROM bulk_actions
                WHERE $5::text IS NULL AND $6::text IS NULL AND $2::text IS NULL AND $3::text IS NULL
                  AND account_id = $1 LIMIT $4)
               UNION ALL
               (SELECT id FROM bulk_actions
                WHERE $5::text IS NULL AND $6::text IS NULL AND $2::text IS NULL AND $3::text IS NOT NULL
                  AND account_id = $1 AND entity_type = $3 LIMIT $4)
               UNION ALL
               (SELECT id FROM bulk_actions
                WHERE $5::text IS NULL AND $6::text IS NULL AND $2::text IS NOT NULL AND account_id = $1
                  AND status = $2 AND ($3::text IS NULL OR entity_type = $3) LIMIT $4)
               UNION ALL
               (SELECT id FROM (
                    SELECT id, status, entity_type, action_type, file_name FROM bulk_actions
                    WHERE ($5::text IS NOT NULL OR $6::text IS NOT NULL) AND account_id = $1
                    ORDER BY id DESC LIMIT $7) searched
                WHERE ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR entity_type = $3)
                  AND ($5::text IS NULL OR action_type = $5)
                  AND ($6::text IS NULL OR strpos(lower(file_name), lower($6)) > 0) LIMIT $4)
           ) counted"#,
        account,
        filter.status.map(ActionStatus::as_str),
        filter.entity_type,
        most,
        filter.action_type.map(ActionType::as_str),
        filter.file_name,
        MOST_SEARCHED,
    )
    .fetch_one(pool)
    .await
}

async fn select_actions(
    pool: &PgPool,
    account: Option<&str>,
    ids: &[Uuid],
    with_mapping: bool,
) -> sqlx::Result<Vec<ActionRecord>> {
    sqlx::query!(
        r#"SELECT a.id, a.account_id, a.entity_type, a.entity_hash, a.action_type AS "action_type: ActionType",
               a.status AS "status: ActionStatus", a.outcome AS "outcome: Outcome", a.error_code, a.error_message,
               a.deduplicate, a.on_conflict AS "on_conflict: OnConflict",
               CASE WHEN $3 THEN a.mapping ELSE '{}' END AS "mapping!: Json<Mapping>",
               CASE WHEN $3 THEN a.intake ELSE a.intake - 'defaults' END AS "intake!: Json<Intake>", a.dry_run,
               a.scheduled_at, a.file_name, a.file_key, a.file_uploaded_at, a.traceparent, a.created_at, a.started_at,
               a.completed_at, a.paused_at, a.idle_ms, a.file_gone_at, a.results_gone_at, a.chunk_count, a.chunks_done,
               a.chunks_dead, a.chunking_done_at IS NOT NULL AS "chunked!",
               coalesce(a.uploaded_size_bytes, a.file_size_bytes) AS "uploaded_size_bytes!",
               coalesce(a.uploaded_etag, a.file_etag) AS "uploaded_etag!", statement_timestamp() AS "read_at!",
               greatest(a.updated_at, s.updated_at) AS "updated_at!", a.status = 'queued' AND EXISTS (
                   SELECT FROM bulk_actions o WHERE o.account_id = a.account_id AND o.id <> a.id AND o.chunking_owner IS NOT NULL
               ) AS "behind_own_file!", s.total_records, s.successful_records, s.failed_records, s.skipped_records
           FROM bulk_actions a JOIN bulk_action_stats s ON s.action_id = a.id
           WHERE a.id = ANY($2) AND ($1::text IS NULL OR a.account_id = $1)
           ORDER BY a.id DESC"#,
        account,
        ids,
        with_mapping,
    )
    .map(|row| ActionRecord {
        id: row.id,
        account_id: row.account_id,
        entity_type: row.entity_type,
        entity_hash: row.entity_hash,
        action_type: row.action_type,
        status: row.status,
        outcome: row.outcome,
        error_code: row.error_code,
        error_message: row.error_message,
        configuration: ActionConfiguration {
            deduplicate: row.deduplicate,
            on_conflict: row.on_conflict,
            mapping: row.mapping.0,
            dry_run: row.dry_run,
            intake: row.intake.0,
        },
        scheduled_at: row.scheduled_at,
        file_name: row.file_name,
        file_key: row.file_key,
        uploaded: StoredFile { size_bytes: row.uploaded_size_bytes, etag: row.uploaded_etag },
        file_uploaded_at: row.file_uploaded_at,
        chunk_count: row.chunk_count,
        chunks_done: row.chunks_done,
        chunks_dead: row.chunks_dead,
        chunked: row.chunked,
        total_rows: row.total_records,
        counts: counts(row.successful_records, row.failed_records, row.skipped_records),
        traceparent: row.traceparent,
        created_at: row.created_at,
        updated_at: row.updated_at,
        started_at: row.started_at,
        completed_at: row.completed_at,
        paused_at: row.paused_at,
        idle_ms: row.idle_ms,
        file_gone_at: row.file_gone_at,
        results_gone_at: row.results_gone_at,
        behind_own_file: row.behind_own_file,
        read_at: row.read_at,
    })
    .fetch_all(pool)
    .await
}

fn counts(successful: i64, failed: i64, skipped: i64) -> Counts {
    Counts { successful, failed, skipped }
}
