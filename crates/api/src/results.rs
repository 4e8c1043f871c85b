//! What became of each row, read from the results objects of committed chunks.

mod cursor;
mod download;
mod page;

pub(crate) use cursor::Cursor;
pub(crate) use download::{Download, Selection};
pub(crate) use page::{LogEntry, LogPage, read_page};

use bulk_core::action::Counts;
use bulk_core::chunk::{ChunkId, RowStatus};
use bulk_core::db::{self, ActionRecord, ChunkSummary};
use bulk_core::storage::{ObjectStore, keys};
use bytes::Bytes;
use sqlx::PgPool;

use crate::error::ApiError;

/// Chunks asked for at a time: the list of a ten-million-row action comes in a few pieces.
const CHUNKS_PER_READ: i64 = 1000;

/// The committed chunks of an action, one after another, from a given one on.
struct CommittedChunks<'a> {
    pool: &'a PgPool,
    action: &'a ActionRecord,
    /// The first chunk of the next read; `None` after the last.
    next: Option<(i16, i32)>,
    waiting: std::vec::IntoIter<ChunkSummary>,
}

impl<'a> CommittedChunks<'a> {
    fn starting_at(pool: &'a PgPool, action: &'a ActionRecord, start: (i16, i32)) -> Self {
        Self { pool, action, next: Some(start), waiting: Vec::new().into_iter() }
    }

    /// The next chunk that has rows of the wanted status, or any rows.
    async fn next_with(&mut self, status: Option<RowStatus>) -> sqlx::Result<Option<ChunkSummary>> {
        loop {
            for chunk in self.waiting.by_ref() {
                if rows_of(&chunk.counts, status) > 0 {
                    return Ok(Some(chunk));
                }
            }
            let Some(start) = self.next else { return Ok(None) };
            let chunks = db::chunks_with_results(self.pool, self.action.id, start, CHUNKS_PER_READ).await?;
            self.next = chunks.last().map(|last| (last.partition, last.seq.saturating_add(1)));
            self.waiting = chunks.into_iter();
        }
    }
}

fn rows_of(counts: &Counts, status: Option<RowStatus>) -> i64 {
    match status {
        None => counts.processed(),
        Some(RowStatus::Success) => counts.successful,
        Some(RowStatus::Failed) => counts.failed,
        Some(RowStatus::Skipped) => counts.skipped,
    }
}

/// The results object of a committed chunk.
async fn fetch(store: &ObjectStore, action: &ActionRecord, chunk: ChunkSummary) -> Result<Bytes, ApiError> {
    let id = ChunkId { action_id: action.id, partition: chunk.partition, seq: chunk.seq };
    Ok(store.get(&keys::results(&action.account_id, id, chunk.results_attempt)).await?)
}
