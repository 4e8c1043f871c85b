//! Outcomes of rows, read from the results objects of committed chunks: in commit order, and for downloads of finished
//! actions in file order.

mod cursor;
mod download;
mod file_order;
mod page;
mod pieces;
mod range;

pub(crate) use cursor::Cursor;
pub(crate) use download::{Download, Selection};
pub(crate) use page::{LogPage, RowFilter, read_page};
pub(crate) use range::{Requested, requested};

use bulk_core::chunk::{ChunkId, RowStatus};
use bulk_core::db::{self, ActionRecord, CommittedChunk};
use bulk_core::storage::keys;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};

use crate::error::ApiError;
use crate::state::AppState;

/// Chunks per query: a ten-million-row action needs only a few.
const CHUNKS_PER_READ: i64 = 1000;
/// Results objects fetched ahead by one reader, beside the one being read. With one, the next object arrives during the
/// current one, and a stopped reader holds as little as possible.
const OBJECTS_IN_FLIGHT: usize = 1;

/// Every chunk with rows of the wanted status that is committed before the stream ends.
fn every_chunk(
    state: &AppState,
    action: &ActionRecord,
    status: Option<RowStatus>,
) -> impl Stream<Item = Result<CommittedChunk, ApiError>> + Send + use<> {
    let (pool, action_id) = (state.dependencies.pool.clone(), action.id);
    let pieces = stream::try_unfold(0, move |from| {
        let pool = pool.clone();
        async move {
            let chunks = db::committed_chunks(&pool, action_id, from, status, None, CHUNKS_PER_READ).await?;
            let last = chunks.last().map(|chunk| chunk.commit_number);
            Ok::<_, ApiError>(last.map(|last| (stream::iter(chunks.into_iter().map(Ok)), last + 1)))
        }
    });
    pieces.try_flatten()
}

/// The results objects of `chunks`, in order.
fn objects(
    state: &AppState,
    action: &ActionRecord,
    chunks: impl Stream<Item = Result<CommittedChunk, ApiError>> + Send,
) -> impl Stream<Item = Result<(CommittedChunk, Bytes), ApiError>> + Send {
    let (store, action_id, account) =
        (state.dependencies.store.clone(), action.id, action.account_id.clone());
    let fetched = chunks.map(move |chunk| {
        let (store, account) = (store.clone(), account.clone());
        async move {
            let chunk = chunk?;
            let id = ChunkId { action_id, partition: chunk.partition, seq: chunk.seq };
            let object = store.get(&keys::results(&account, id, chunk.results_attempt)).await?;
            Ok((chunk, object))
        }
    });
    fetched.buffered(OBJECTS_IN_FLIGHT)
}
