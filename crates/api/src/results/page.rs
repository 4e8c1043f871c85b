//! One page of row outcomes.

use api_types::LogEntry;
use bulk_core::chunk::{ResultRow, RowStatus, decode_results};
use bulk_core::db::{self, ActionRecord, CommittedChunk};
use bulk_core::entity::Entity;
use futures::stream::{self, TryStreamExt as _};

use super::{Cursor, objects};
use crate::error::ApiError;
use crate::state::AppState;
use crate::vocabulary::InApi as _;

/// A page of outcomes, with the position of the next page.
pub(crate) struct LogPage {
    /// The outcomes.
    pub(crate) entries: Vec<LogEntry>,
    /// Position of the first row beyond the page; `None` if there is none yet.
    pub(crate) next: Option<Cursor>,
}

/// Reads up to `limit` outcomes of the wanted status, or any, starting at `cursor`. The cost depends on the page and
/// not on the action: one query, and only the objects that hold the page's rows.
///
/// # Errors
/// If the database or object storage is unavailable, or an object is damaged.
pub(crate) async fn read_page(
    state: &AppState,
    action: &ActionRecord,
    status: Option<RowStatus>,
    limit: usize,
    cursor: Cursor,
) -> Result<LogPage, ApiError> {
    // Each chunk has a row for the page, except possibly the first, whose matching rows may all lie before the cursor.
    // One extra row shows that there is a next page.
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(2);
    let pool = &state.dependencies.pool;
    // An action whose declaration is no longer readable is shown without keys.
    let entity = state.dependencies.entities.get(pool, &action.entity_type, action.entity_hash).await.ok();
    let mut chunks = db::committed_chunks(pool, action.id, cursor.commit_number, status, most).await?;
    chunks.truncate(chunks_for_page(&chunks, cursor, limit));
    let mut page = LogPage { entries: Vec::new(), next: None };
    let mut objects = std::pin::pin!(objects(state, action, stream::iter(chunks.into_iter().map(Ok))));
    while page.next.is_none()
        && let Some((chunk, object)) = objects.try_next().await?
    {
        let CommittedChunk { commit_number, .. } = chunk;
        let index = if commit_number == cursor.commit_number { cursor.index } else { 0 };
        let from = Cursor { commit_number, index };
        page.read_chunk(&object, action, entity.as_deref(), status, limit, from)?;
    }
    Ok(page)
}

/// Number of chunks that are enough for a page and one more row.
fn chunks_for_page(chunks: &[CommittedChunk], cursor: Cursor, limit: usize) -> usize {
    let mut rows = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        // The number of matching rows after the cursor is known only for a chunk that is read from its start.
        let is_cut = chunk.commit_number == cursor.commit_number && cursor.index > 0;
        rows += if is_cut { 0 } else { usize::try_from(chunk.matching_rows).unwrap_or_default() };
        if rows > limit {
            return index + 1;
        }
    }
    chunks.len()
}

impl LogPage {
    /// Reads the rows of a results object; sets `next` if there are more than fit.
    fn read_chunk(
        &mut self,
        object: &[u8],
        action: &ActionRecord,
        entity: Option<&Entity>,
        status: Option<RowStatus>,
        limit: usize,
        from: Cursor,
    ) -> Result<(), ApiError> {
        let (header, rows) = decode_results(object).map_err(ApiError::internal)?;
        let key_position = key_position(action, entity, &header);
        for (index, row) in (0..).zip(rows).skip(from.index as usize) {
            let row = row.map_err(ApiError::internal)?;
            if status.is_some_and(|wanted| row.status != wanted) {
                continue;
            }
            if self.entries.len() == limit {
                self.next = Some(Cursor { index, ..from });
                return Ok(());
            }
            self.entries.push(entry(&row, key_position)?);
        }
        Ok(())
    }
}

fn entry(row: &ResultRow, key_position: Option<usize>) -> Result<LogEntry, ApiError> {
    let key = key_position.and_then(|position| row.field(position)).filter(|key| !key.is_empty());
    Ok(LogEntry {
        row: row.row().parse().map_err(ApiError::internal)?,
        key: key.map(str::to_owned),
        status: row.status.in_api(),
        code: row.code().to_owned(),
        message: Some(row.message()).filter(|message| !message.is_empty()).map(str::to_owned),
    })
}

/// Position of the key in the uploaded file. The header was checked at upload; a changed entity has no position.
fn key_position(action: &ActionRecord, entity: Option<&Entity>, uploaded: &[String]) -> Option<usize> {
    let entity = entity?;
    entity.key_position(
        &entity.map_columns(uploaded, &action.configuration.mapping, &action.configuration.intake).ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(rows: &[i32]) -> Vec<CommittedChunk> {
        let chunk = |(commit_number, matching_rows): (i32, &i32)| CommittedChunk {
            commit_number,
            partition: 0,
            seq: commit_number,
            results_attempt: 1,
            matching_rows: *matching_rows,
        };
        (1..).zip(rows).map(chunk).collect()
    }

    #[test]
    fn no_more_chunks_are_fetched_than_a_page_needs() {
        let start = Cursor::default();
        assert_eq!(chunks_for_page(&chunks(&[1000, 1000, 1000]), start, 100), 1);
        assert_eq!(
            chunks_for_page(&chunks(&[100, 1000, 1000]), start, 100),
            2,
            "one more row tells of a next page"
        );
        assert_eq!(chunks_for_page(&chunks(&[1, 1, 1, 1, 1]), start, 2), 3);
        assert_eq!(chunks_for_page(&chunks(&[1, 1]), start, 100), 2);
        assert_eq!(chunks_for_page(&[], start, 100), 0);
        let in_the_first = Cursor { commit_number: 1, index: 990 };
        assert_eq!(chunks_for_page(&chunks(&[1000, 1000, 1000]), in_the_first, 100), 2);
    }
}
