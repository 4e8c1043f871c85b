//! The rows of a finished action in file order. Each partition has its rows in that order, chunk after chunk, so the
//! file is a merge of the partitions by row number. Memory holds, for each partition, the current results object and
//! the next one, which is fetched ahead.

use std::collections::{BTreeMap, VecDeque};

use bulk_core::chunk::{ChunkId, ResultRow, ResultRows, RowStatus, decode_results};
use bulk_core::db::{ActionRecord, CommittedChunk};
use bulk_core::storage::{ObjectStore, StorageError, keys};
use bytes::buf::Reader;
use bytes::{Buf as _, Bytes};
use futures::TryStreamExt as _;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::every_chunk;
use crate::error::ApiError;
use crate::state::AppState;

/// The rows with the wanted status, or all, in file order.
pub(super) struct FileOrder {
    partitions: Vec<PartitionRows>,
}

impl FileOrder {
    /// Finds the chunks of a finished action.
    ///
    /// # Errors
    /// If the database is unreachable or refuses the statement.
    pub(super) async fn open(
        state: &AppState,
        action: &ActionRecord,
        status: Option<RowStatus>,
    ) -> Result<Self, ApiError> {
        let mut chunks: Vec<CommittedChunk> = every_chunk(state, action, status).try_collect().await?;
        chunks.sort_unstable_by_key(|chunk| (chunk.partition, chunk.seq));
        let mut by_partition: BTreeMap<i16, VecDeque<CommittedChunk>> = BTreeMap::new();
        for chunk in chunks {
            by_partition.entry(chunk.partition).or_default().push_back(chunk);
        }
        let source = Source {
            store: state.dependencies.store.clone(),
            account: action.account_id.clone(),
            action_id: action.id,
        };
        let mut partitions = Vec::new();
        for chunks in by_partition.into_values() {
            partitions.push(PartitionRows::open(source.clone(), chunks, status).await?);
        }
        Ok(Self { partitions })
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// If object storage is unavailable or an object is damaged.
    pub(super) async fn next(&mut self) -> Result<Option<ResultRow>, ApiError> {
        let first = |partition: &&mut PartitionRows| partition.head.as_ref().map(|(number, _)| *number);
        let partitions = self.partitions.iter_mut().filter(|partition| partition.head.is_some());
        match partitions.min_by_key(first) {
            Some(partition) => partition.take().await,
            None => Ok(None),
        }
    }
}

/// Location of an action's results objects.
#[derive(Clone)]
struct Source {
    store: ObjectStore,
    account: String,
    action_id: Uuid,
}

type Fetch = AbortOnDropHandle<Result<Bytes, StorageError>>;

impl Source {
    fn fetch(&self, chunk: CommittedChunk) -> Fetch {
        let id = ChunkId { action_id: self.action_id, partition: chunk.partition, seq: chunk.seq };
        let (store, key) = (self.store.clone(), keys::results(&self.account, id, chunk.results_attempt));
        AbortOnDropHandle::new(tokio::spawn(async move { store.get(&key).await }))
    }
}

/// The rows of one partition.
struct PartitionRows {
    source: Source,
    status: Option<RowStatus>,
    /// Chunks that have not been fetched.
    chunks: VecDeque<CommittedChunk>,
    coming: Option<Fetch>,
    rows: Option<ResultRows<Reader<Bytes>>>,
    /// The next row and its number.
    head: Option<(u64, ResultRow)>,
}

impl PartitionRows {
    async fn open(
        source: Source,
        mut chunks: VecDeque<CommittedChunk>,
        status: Option<RowStatus>,
    ) -> Result<Self, ApiError> {
        let coming = chunks.pop_front().map(|chunk| source.fetch(chunk));
        let mut partition = Self { source, status, chunks, coming, rows: None, head: None };
        partition.take().await?;
        Ok(partition)
    }

    /// Returns the next row and loads the one after it.
    async fn take(&mut self) -> Result<Option<ResultRow>, ApiError> {
        let taken = self.head.take();
        while self.head.is_none() {
            match self.rows.as_mut().and_then(Iterator::next) {
                Some(row) => {
                    let row = row.map_err(ApiError::internal)?;
                    if self.status.is_none_or(|wanted| row.status == wanted) {
                        self.head = Some((row.row().parse().map_err(ApiError::internal)?, row));
                    }
                }
                None if !self.next_object().await? => break,
                None => {}
            }
        }
        Ok(taken.map(|(_, row)| row))
    }

    /// Continues with the next results object; false if there is none.
    async fn next_object(&mut self) -> Result<bool, ApiError> {
        let Some(coming) = self.coming.take() else { return Ok(false) };
        let object = coming.await.map_err(ApiError::internal)??;
        self.coming = self.chunks.pop_front().map(|chunk| self.source.fetch(chunk));
        let (_, rows) = decode_results(object.reader()).map_err(ApiError::internal)?;
        self.rows = Some(rows);
        Ok(true)
    }
}
