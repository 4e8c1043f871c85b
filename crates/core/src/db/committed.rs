//! The committed chunks of an action, in commit order. The order is append-only: a chunk gets the next number under the
//! lock of its action's row ([`super::finish_chunk`]), so a client that remembers the last number it saw misses
//! nothing, even while the action runs.

use sqlx::PgPool;
use uuid::Uuid;

use crate::chunk::{RowCode, RowStatus};

/// A committed chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommittedChunk {
    /// Position in the action's commit order, from 1.
    pub commit_number: i32,
    /// The partition.
    pub partition: i16,
    /// Position in the partition.
    pub seq: i32,
    /// The attempt that committed; part of the results object's key.
    pub results_attempt: i32,
    /// Rows with the requested status or code, or all rows if neither was requested. An upper bound if both were, and for chunks
    /// committed before codes were counted.
    pub matching_rows: i32,
}

/// Up to `limit` committed chunks of an action, in order, starting at commit `from`. Only chunks with rows of the
/// wanted status and code, or any rows. The caller has checked that the account owns the action.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn committed_chunks(
    pool: &PgPool,
    action_id: Uuid,
    from: i32,
    status: Option<RowStatus>,
    code: Option<RowCode>,
    limit: i64,
) -> sqlx::Result<Vec<CommittedChunk>> {
    sqlx::query_as!(
        CommittedChunk,
        r#"SELECT c.commit_number AS "commit_number!", c.partition, c.seq,
               c.results_attempt AS "results_attempt!", matching.rows AS "matching_rows!"
           FROM bulk_action_chunks c,
               LATERAL (SELECT least(
                            CASE $3::text WHEN 'success' THEN c.successful WHEN 'failed' THEN c.failed
                                WHEN 'skipped' THEN c.skipped ELSE c.row_count END,
                            CASE WHEN $5::text IS NULL OR c.codes IS NULL THEN c.row_count
                                ELSE coalesce((c.codes ->> $5)::integer, 0) END) AS rows) matching
           WHERE c.action_id = $1 AND c.commit_number >= $2 AND matching.rows > 0
           ORDER BY c.commit_number LIMIT $4"#,
        action_id,
        from,
        status.map(RowStatus::as_str),
        limit,
        code.map(RowCode::as_str),
    )
    .fetch_all(pool)
    .await
}

/// Number of an action's rows by code, so far; without chunks committed before codes were counted. The caller has checked
/// that the account owns the action.
///
/// # Errors
/// If the database is unavailable.
pub async fn code_counts(pool: &PgPool, action_id: Uuid) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query!(
        r#"SELECT counted.key AS "code!", sum(counted.value::bigint)::bigint AS "rows!"
           FROM bulk_action_chunks c, jsonb_each_text(c.codes) counted
           WHERE c.action_id = $1 AND c.codes IS NOT NULL
           GROUP BY counted.key ORDER BY counted.key"#,
        action_id,
    )
    .map(|row| (row.code, row.rows))
    .fetch_all(pool)
    .await
}
