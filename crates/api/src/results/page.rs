//! One page of row outcomes.

use std::sync::Arc;

use api_types::{LogEntry, UploadedValue};
use bulk_core::chunk::{ResultRow, RowCode, RowStatus, decode_results};
use bulk_core::db::{self, ActionRecord, CommittedChunk};
use bulk_core::entity::Entity;
use bytes::Bytes;
use futures::stream::{self, TryStreamExt as _};
use tokio_util::task::AbortOnDropHandle;

use super::{Cursor, objects};
use crate::compute;
use crate::error::ApiError;
use crate::state::AppState;
use crate::vocabulary::InApi as _;

/// A page of outcomes, with the position of the next page.
pub(crate) struct LogPage {
    /// The outcomes.
    pub(crate) entries: Vec<LogEntry>,
    /// Length of the uploaded values on the page.
    value_bytes: usize,
    /// Position of the first row beyond the page; `None` if there is none yet.
    pub(crate) next: Option<Cursor>,
}

/// Filter for the rows of a page.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowFilter {
    /// Only rows with this status.
    pub(crate) status: Option<RowStatus>,
    /// Only rows with this code.
    pub(crate) code: Option<RowCode>,
    /// Only rows with this text, in lower case, in their message or an uploaded value.
    pub(crate) text: Option<String>,
}

/// Chunks that one request searches for a text; which of them contain it is only known once they are read.
const CHUNKS_PER_SEARCH: usize = 10;

/// Length of uploaded values at which a page ends, whatever its `limit`: a single row may have 256 KiB.
const VALUE_BYTES_PER_PAGE: usize = 1024 * 1024;

/// Reads up to `limit` outcomes that pass the filter, starting at `cursor`. The cost depends on the page and not on the
/// action: one query, and only the objects that can hold the page's rows, or for a search a bounded number of them. A
/// page may therefore be short, or empty, and still have a next one.
///
/// # Errors
/// If the database or object storage is unavailable, or an object is damaged.
pub(crate) async fn read_page(
    state: &AppState,
    action: &ActionRecord,
    filter: &RowFilter,
    with_values: bool,
    limit: usize,
    cursor: Cursor,
) -> Result<LogPage, ApiError> {
    let pool = &state.dependencies.pool;
    // An action whose declaration is no longer readable is shown without keys.
    let entity = state.dependencies.entities.get(pool, &action.entity_type, action.entity_hash).await.ok();
    // Each chunk has a row for the page, except possibly the first, whose matching rows may all lie before the cursor.
    // One extra row shows that there is a next page.
    let most = limit.saturating_add(2);
    let listed = i64::try_from(most).unwrap_or(i64::MAX);
    let from = cursor.commit_number;
    let mut chunks = db::committed_chunks(pool, action.id, from, filter.status, filter.code, listed).await?;
    let is_cut_short = chunks.len() == most;
    let enough =
        if filter.text.is_some() { CHUNKS_PER_SEARCH } else { chunks_for_page(&chunks, cursor, limit) };
    let after_all = chunks.last().filter(|_| is_cut_short).map(|last| last.commit_number + 1);
    let unread = chunks.get(enough).map(|chunk| chunk.commit_number).or(after_all);
    chunks.truncate(enough);
    let filter = filter.clone();
    let reading = Arc::new(Reading { action: action.clone(), entity, filter, with_values, limit });
    let mut page = LogPage { entries: Vec::new(), value_bytes: 0, next: None };
    let mut objects = std::pin::pin!(objects(state, action, stream::iter(chunks.into_iter().map(Ok))));
    while page.next.is_none()
        && let Some((chunk, object)) = objects.try_next().await?
    {
        let CommittedChunk { commit_number, .. } = chunk;
        let index = if commit_number == cursor.commit_number { cursor.index } else { 0 };
        page = page.and_chunk(object, &reading, Cursor { commit_number, index }).await?;
    }
    page.next = page.next.or(unread.map(|commit_number| Cursor { commit_number, index: 0 }));
    Ok(page)
}

/// Parts of each object to read.
struct Reading {
    action: ActionRecord,
    entity: Option<Arc<Entity>>,
    filter: RowFilter,
    with_values: bool,
    limit: usize,
}

impl RowFilter {
    fn passes(&self, row: &ResultRow) -> bool {
        self.status.is_none_or(|wanted| row.status == wanted)
            && self.code.is_none_or(|wanted| row.code() == wanted.as_str())
            && self.text.as_deref().is_none_or(|text| has_text(row, text))
    }
}

/// `text` is in lower case.
fn has_text(row: &ResultRow, text: &str) -> bool {
    let has = |value: &str| value.to_lowercase().contains(text);
    has(row.message()) || row.fields().any(has)
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
    /// The page with the rows of another results object.
    async fn and_chunk(
        mut self,
        object: Bytes,
        reading: &Arc<Reading>,
        from: Cursor,
    ) -> Result<Self, ApiError> {
        if reading.filter.text.is_none() {
            self.read_chunk(&object, reading, from)?;
            return Ok(self);
        }
        // A search looks at every value of a chunk, so it runs on the threads for such work; it stops if the client
        // disconnects.
        let reading = reading.clone();
        let read = compute::spawn(async move {
            let read = self.read_chunk(&object, &reading, from);
            read.map(|()| self)
        });
        AbortOnDropHandle::new(read).await.map_err(ApiError::internal)?
    }

    /// Reads the rows of a results object; sets `next` if there are more than fit.
    fn read_chunk(&mut self, object: &[u8], reading: &Reading, from: Cursor) -> Result<(), ApiError> {
        let (header, rows) = decode_results(object).map_err(ApiError::internal)?;
        let key_position = key_position(&reading.action, reading.entity.as_deref(), &header);
        for (index, row) in (0..).zip(rows).skip(from.index as usize) {
            let row = row.map_err(ApiError::internal)?;
            if !reading.filter.passes(&row) {
                continue;
            }
            if self.entries.len() == reading.limit || self.value_bytes >= VALUE_BYTES_PER_PAGE {
                self.next = Some(Cursor { index, ..from });
                return Ok(());
            }
            let values = reading.with_values.then(|| values(&header, &row));
            self.value_bytes +=
                values.iter().flatten().map(|cell| cell.column.len() + cell.value.len()).sum::<usize>();
            self.entries.push(LogEntry { values, ..entry(&row, key_position)? });
        }
        Ok(())
    }
}

/// The uploaded values of a row that are not empty, in the file's order.
fn values(header: &[String], row: &ResultRow) -> Vec<UploadedValue> {
    let named = header.iter().zip(row.fields()).filter(|(_, value)| !value.is_empty());
    named.map(|(column, value)| UploadedValue { column: column.clone(), value: value.to_owned() }).collect()
}

fn entry(row: &ResultRow, key_position: Option<usize>) -> Result<LogEntry, ApiError> {
    let key = key_position.and_then(|position| row.field(position)).filter(|key| !key.is_empty());
    Ok(LogEntry {
        row: row.row().parse().map_err(ApiError::internal)?,
        key: key.map(str::to_owned),
        status: row.status.in_api(),
        code: row.code().to_owned(),
        message: Some(row.message()).filter(|message| !message.is_empty()).map(str::to_owned),
        values: None,
    })
}

/// Position of the key in the uploaded file. The header was checked at upload; a changed entity has no position.
fn key_position(action: &ActionRecord, entity: Option<&Entity>, uploaded: &[String]) -> Option<usize> {
    let (entity, chosen) = (entity?, &action.configuration);
    let layout = entity.layout(uploaded, &chosen.mapping, &chosen.intake, action.action_type);
    entity.key_position(&layout.ok()?.map)
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
