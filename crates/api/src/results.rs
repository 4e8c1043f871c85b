//! What became of each row, read from the results objects of committed chunks: in the order of their commits, and for the
//! download of an action that is over in the order of its file.

mod cursor;
mod download;
mod file_order;
mod page;
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

/// Chunks asked for at a time: the list of a ten-million-row action comes in a few pieces.
const CHUNKS_PER_READ: i64 = 1000;
/// Results objects in memory for one reader, beside the one that is read: those fetched ahead of it. With one, an object
/// comes while the one before it is read, and a reader that has stopped reading holds no more than it must.
const OBJECTS_IN_FLIGHT: usize = 1;

/// Every chunk of the action that is committed by the time the stream comes to its end, and has rows of the wanted status.
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

/// The results objects of `chunks`, in their order.
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
