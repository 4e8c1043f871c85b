//! The rows of a finished action in file order. Each partition has its rows in that order, chunk after chunk, so the
//! file is a merge of the partitions by row number. Memory holds, for each partition, two small pieces of its current
//! results object, and a batch of rows.

use std::collections::{BTreeMap, VecDeque};
use std::vec;

use bulk_core::chunk::{ChunkId, ResultRow, ResultRows, RowStatus, decode_results};
use bulk_core::db::{ActionRecord, CommittedChunk};
use bulk_core::storage::{ObjectStore, keys};
use futures::TryStreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::every_chunk;
use super::pieces::{FirstFailure, Pieces};
use crate::error::ApiError;
use crate::state::AppState;

/// Rows that are handed over together: fewer change threads more often, more hold memory.
const BATCH_BYTES: usize = 64 * 1024;

/// The rows with the wanted status, or all, in file order.
pub(super) struct FileOrder {
    batch: vec::IntoIter<ResultRow>,
    batches: mpsc::Receiver<Vec<ResultRow>>,
    /// Reads and merges the objects on a thread of its own, since the CSV reader blocks. `None` once its end is known.
    merging: Option<JoinHandle<Result<(), ApiError>>>,
}

impl FileOrder {
    /// Finds the chunks of a finished action and starts reading them.
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
            status,
        };
        let (sender, batches) = mpsc::channel(1);
        let runtime = Handle::current();
        let merging = tokio::task::spawn_blocking(move || {
            let failure = FirstFailure::default();
            let merged = source.merge(&runtime, by_partition.into_values(), &failure, &sender);
            // The error of storage is more precise than the read error that it caused.
            let of_storage = failure.borrow_mut().take();
            of_storage.map_or(merged, |error| Err(error.into()))
        });
        Ok(Self { batch: Vec::new().into_iter(), batches, merging: Some(merging) })
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// If object storage is unavailable or an object is damaged.
    pub(super) async fn next(&mut self) -> Result<Option<ResultRow>, ApiError> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            match self.batches.recv().await {
                Some(batch) => self.batch = batch.into_iter(),
                None => {
                    // The rows end when the merge has ended, which may have been with an error.
                    if let Some(merging) = self.merging.take() {
                        merging.await.map_err(ApiError::internal)??;
                    }
                    return Ok(None);
                }
            }
        }
    }
}

/// The results of an action.
struct Source {
    store: ObjectStore,
    account: String,
    action_id: Uuid,
    status: Option<RowStatus>,
}

impl Source {
    /// Sends all rows in file order. Ends early if nobody takes them any more.
    fn merge(
        &self,
        runtime: &Handle,
        chunks: impl Iterator<Item = VecDeque<CommittedChunk>>,
        failure: &FirstFailure,
        sender: &mpsc::Sender<Vec<ResultRow>>,
    ) -> Result<(), ApiError> {
        let open = |chunks| PartitionRows::open(self, runtime, failure, chunks);
        let mut partitions = chunks.map(open).collect::<Result<Vec<_>, _>>()?;
        let (mut batch, mut batch_bytes) = (Vec::new(), 0);
        while let Some(row) = take_first(&mut partitions)? {
            batch_bytes += row.size_bytes();
            batch.push(row);
            if batch_bytes >= BATCH_BYTES {
                batch_bytes = 0;
                if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return Ok(());
                }
            }
        }
        let _ = sender.blocking_send(batch);
        Ok(())
    }
}

/// The row with the lowest number of all partitions.
fn take_first(partitions: &mut [PartitionRows<'_>]) -> Result<Option<ResultRow>, ApiError> {
    let first = |partition: &&mut PartitionRows<'_>| partition.head.as_ref().map(|(number, _)| *number);
    let partitions = partitions.iter_mut().filter(|partition| partition.head.is_some());
    partitions.min_by_key(first).map_or(Ok(None), PartitionRows::take)
}

/// The rows of one partition.
struct PartitionRows<'a> {
    source: &'a Source,
    runtime: &'a Handle,
    failure: &'a FirstFailure,
    /// Chunks that have not been opened.
    chunks: VecDeque<CommittedChunk>,
    rows: Option<ResultRows<Pieces>>,
    /// The next row and its number.
    head: Option<(u64, ResultRow)>,
}

impl<'a> PartitionRows<'a> {
    fn open(
        source: &'a Source,
        runtime: &'a Handle,
        failure: &'a FirstFailure,
        chunks: VecDeque<CommittedChunk>,
    ) -> Result<Self, ApiError> {
        let mut partition = Self { source, runtime, failure, chunks, rows: None, head: None };
        partition.take()?;
        Ok(partition)
    }

    /// Returns the next row and loads the one after it.
    fn take(&mut self) -> Result<Option<ResultRow>, ApiError> {
        let taken = self.head.take();
        while self.head.is_none() {
            match self.rows.as_mut().and_then(Iterator::next) {
                Some(row) => {
                    let row = row.map_err(ApiError::internal)?;
                    if self.source.status.is_none_or(|wanted| row.status == wanted) {
                        self.head = Some((row.row().parse().map_err(ApiError::internal)?, row));
                    }
                }
                None if !self.next_object()? => break,
                None => {}
            }
        }
        Ok(taken.map(|(_, row)| row))
    }

    /// Continues with the next results object; false if there is none.
    fn next_object(&mut self) -> Result<bool, ApiError> {
        let Some(chunk) = self.chunks.pop_front() else { return Ok(false) };
        let source = self.source;
        let id = ChunkId { action_id: source.action_id, partition: chunk.partition, seq: chunk.seq };
        let key = keys::results(&source.account, id, chunk.results_attempt);
        let pieces = Pieces::new(self.runtime.clone(), source.store.clone(), key, self.failure.clone());
        let (_, rows) = decode_results(pieces).map_err(ApiError::internal)?;
        self.rows = Some(rows);
        Ok(true)
    }
}
