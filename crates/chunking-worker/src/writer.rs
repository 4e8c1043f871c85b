//! Stores chunk objects, several concurrently, and records each in PostgreSQL after it is stored. In this order, so
//! that a recorded chunk always has its object.

use std::collections::HashMap;
use std::time::Duration;

use bulk_core::chunk::{ChunkId, ChunkPlace, content_hash};
use bulk_core::db::{self, DbError, FileLease, NewChunk, RecordedChunk};
use bulk_core::dependencies::Dependencies;
use bulk_core::queue::Job;
use bulk_core::storage::{StorageError, keys};
use bulk_core::worker::delay_after;
use bytes::Bytes;
use thiserror::Error;
use tokio::task::JoinSet;

/// Chunks of a file being stored concurrently. Their bytes are in memory: at most this many MiB.
const CONCURRENT_PUTS: usize = 4;

/// Attempts to record a chunk while its action's row is locked.
const RECORD_ATTEMPTS: u32 = 5;
const FIRST_CONTENTION_DELAY: Duration = Duration::from_millis(50);

/// Reason why a chunk could not be written.
#[derive(Debug, Error)]
pub(crate) enum WriteError {
    /// The lease is lost, or the database is unreachable.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Object storage is unavailable.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A recorded chunk differs from what the file gives now.
    #[error(
        "chunk {partition}-{seq} was cut differently before: the file or the version of this service has changed"
    )]
    Changed {
        /// Partition.
        partition: i16,
        /// Position in the partition.
        seq: i32,
    },
    /// A task of this process was aborted.
    #[error("a write was aborted: {0}")]
    Aborted(#[from] tokio::task::JoinError),
}

/// Writes the chunks of one file.
pub(crate) struct ChunkWriter {
    dependencies: Dependencies,
    account: String,
    lease: FileLease,
    max_in_flight: i64,
    recorded: HashMap<ChunkPlace, RecordedChunk>,
    writes: JoinSet<Result<(), WriteError>>,
}

impl ChunkWriter {
    /// A writer that skips the `recorded` chunks, except those whose object must be written again.
    #[must_use]
    pub(crate) fn new(
        dependencies: Dependencies,
        account: String,
        lease: FileLease,
        max_in_flight: i64,
        recorded: HashMap<ChunkPlace, RecordedChunk>,
    ) -> Self {
        Self { dependencies, account, lease, max_in_flight, recorded, writes: JoinSet::new() }
    }

    /// Starts writing a chunk. Waits while the maximum is being written.
    ///
    /// # Errors
    /// The error of any chunk written so far.
    pub(crate) async fn write(
        &mut self,
        partition: i16,
        seq: i32,
        row_count: usize,
        object: Vec<u8>,
    ) -> Result<(), WriteError> {
        let content_hash = content_hash(&object);
        let recorded = self.recorded.get(&ChunkPlace { partition, seq });
        // An earlier run recorded this chunk. Cutting is deterministic, so a different hash means that the file or the
        // rules changed, and workers may already have applied the recorded chunk.
        match recorded {
            Some(chunk) if chunk.content_hash != content_hash => {
                return Err(WriteError::Changed { partition, seq });
            }
            Some(chunk) if !chunk.rewrite => return Ok(()),
            _ => {}
        }
        let is_new = recorded.is_none();
        while self.writes.len() >= CONCURRENT_PUTS {
            self.one_written().await?;
        }
        let row_count = i32::try_from(row_count).unwrap_or(i32::MAX);
        let size_bytes = i64::try_from(object.len()).unwrap_or(i64::MAX);
        let chunk = NewChunk { partition, seq, row_count, content_hash, size_bytes };
        let (dependencies, lease) = (self.dependencies.clone(), self.lease.clone());
        let key = keys::chunk(&self.account, ChunkId { action_id: lease.action_id, partition, seq });
        let max_in_flight = self.max_in_flight;
        self.writes.spawn(async move {
            dependencies.store.put(&key, Bytes::from(object)).await?;
            let bells = record(&dependencies, &lease, chunk, is_new, max_in_flight).await?;
            dependencies.queue.ring(&bells).await;
            Ok(())
        });
        Ok(())
    }

    /// Waits until all chunks are written.
    ///
    /// # Errors
    /// The error of the first chunk that could not be written.
    pub(crate) async fn finish(mut self) -> Result<(), WriteError> {
        while !self.writes.is_empty() {
            self.one_written().await?;
        }
        Ok(())
    }

    async fn one_written(&mut self) -> Result<(), WriteError> {
        match self.writes.join_next().await {
            Some(written) => written?,
            None => Ok(()),
        }
    }
}

/// Records a chunk, or that its object was written again. A transaction that meets contention changed nothing and is
/// repeated; otherwise the whole file would have to be read again.
async fn record(
    dependencies: &Dependencies,
    lease: &FileLease,
    chunk: NewChunk,
    is_new: bool,
    max_in_flight: i64,
) -> Result<Vec<Job>, DbError> {
    let pool = &dependencies.pool;
    let mut attempts = 0;
    loop {
        let recorded = if is_new {
            db::record_chunk(pool, lease, chunk, max_in_flight).await
        } else {
            db::chunk_rewritten(pool, lease, chunk, max_in_flight).await
        };
        attempts += 1;
        match recorded {
            Err(error) if error.is_contention() && attempts < RECORD_ATTEMPTS => {
                tokio::time::sleep(delay_after(attempts, FIRST_CONTENTION_DELAY)).await;
            }
            ended => return ended,
        }
    }
}
