//! The committed chunks of an action, in commit order. The order is append-only: a chunk gets the next number under the
//! lock of its action's row ([`super::finish_chunk`]), so a client that remembers the last number it saw misses
//! nothing, even while the action runs.

use sqlx::PgPool;
use uuid::Uuid;

use crate::chunk::RowStatus;

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
    /// Rows with the requested status, or all rows if no status was requested.
    pub matching_rows: i32,
}

/// Up to `limit` committed chunks of an action, in order, starting at commit `from`. Only chunks with rows of the
/// wanted status, or any rows. The caller has checked that the account owns the action.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn committed_chunks(
    pool: &PgPool,
    action_id: Uuid,
    from: i32,
    status: Option<RowStatus>,
    limit: i64,
) -> sqlx::Result<Vec<CommittedChunk>> {
    sqlx::query_as!(
        CommittedChunk,
        r#"SELECT c.commit_number AS "commit_number!", c.partition, c.seq,
               c.results_attempt AS "results_attempt!", matching.rows AS "matching_rows!"
           FROM bulk_action_chunks c,
               LATERAL (SELECT CASE $3::text WHEN 'success' THEN c.successful WHEN 'failed' THEN c.failed
                            WHEN 'skipped' THEN c.skipped ELSE c.row_count END AS rows) matching
           WHERE c.action_id = $1 AND c.commit_number >= $2 AND matching.rows > 0
           ORDER BY c.commit_number LIMIT $4"#,
        action_id,
        from,
        status.map(RowStatus::as_str),
        limit,
    )
    .fetch_all(pool)
    .await
}
