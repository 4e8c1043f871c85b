//! One page of row outcomes.

use bulk_core::chunk::{ResultRow, RowStatus, decode_results};
use bulk_core::csv::header;
use bulk_core::db::ActionRecord;
use bulk_core::entity::{self, ColumnMap};
use serde::Serialize;

use super::{CommittedChunks, Cursor, fetch};
use crate::error::ApiError;
use crate::state::AppState;

/// What became of a row.
#[derive(Debug, Serialize)]
pub(crate) struct LogEntry {
    row: u64,
    /// The uploaded value of the key column, else of the id column.
    key: Option<String>,
    status: RowStatus,
    code: String,
    /// `None` where the code says it all.
    message: Option<String>,
}

/// One page of outcomes, and where the next begins.
pub(crate) struct LogPage {
    /// The outcomes.
    pub(crate) entries: Vec<LogEntry>,
    /// The first row that did not fit any more; `None` when there is none yet.
    pub(crate) next: Option<Cursor>,
}

/// Reads up to `limit` outcomes of the wanted status, or any, from `cursor` on. Holds one results object at a time.
///
/// # Errors
/// When the database or object storage is away, or an object is damaged.
pub(crate) async fn read_page(
    state: &AppState,
    action: &ActionRecord,
    status: Option<RowStatus>,
    limit: usize,
    cursor: Cursor,
) -> Result<LogPage, ApiError> {
    let dependencies = &state.dependencies;
    let mut page = LogPage { entries: Vec::new(), next: None };
    let start = (cursor.partition, cursor.seq);
    let mut chunks = CommittedChunks::starting_at(&dependencies.pool, action, start);
    while let Some(chunk) = chunks.next_with(status).await? {
        let skipped = if (chunk.partition, chunk.seq) == start { cursor.index } else { 0 };
        let from = Cursor { partition: chunk.partition, seq: chunk.seq, index: skipped };
        page.read_chunk(&fetch(&dependencies.store, action, chunk).await?, action, status, limit, from)?;
        if page.next.is_some() {
            break;
        }
    }
    Ok(page)
}

impl LogPage {
    /// Takes rows of one results object; sets `next` if there are more than fit.
    fn read_chunk(
        &mut self,
        object: &[u8],
        action: &ActionRecord,
        status: Option<RowStatus>,
        limit: usize,
        from: Cursor,
    ) -> Result<(), ApiError> {
        let (header, rows) = decode_results(object).map_err(ApiError::internal)?;
        let key_position = key_position(action, &header);
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
        status: row.status,
        code: row.code().to_owned(),
        message: Some(row.message()).filter(|message| !message.is_empty()).map(str::to_owned),
    })
}

/// Where the uploaded file has its key. The header was checked at upload; an entity that has changed since has none.
fn key_position(action: &ActionRecord, uploaded: &[String]) -> Option<usize> {
    let entity = entity::find(&action.entity_type)?;
    let known: Vec<_> = entity.columns().iter().map(|column| column.name).collect();
    let columns = header::resolve(uploaded, &action.configuration.mapping, &known).ok()?;
    entity.key_position(&ColumnMap::new(&columns, known.len()))
}
