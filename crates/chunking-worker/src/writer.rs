//! Stores chunk objects, several at a time, and records each in PostgreSQL once it is stored. In that order: a chunk that
//! is recorded has its object.

use std::collections::HashMap;
use std::time::Duration;

use bulk_core::chunk::{ChunkId, content_hash};
use bulk_core::db::{self, ChunkingLease, DbError, NewChunk, RecordedChunk};
use bulk_core::dependencies::Dependencies;
use bulk_core::storage::{StorageError, keys};
use bulk_core::worker::delay_after;
use bytes::Bytes;
use thiserror::Error;
use tokio::task::JoinSet;

/// Chunks being stored at a time, per file. Their bytes are in memory: at most this many MiB.
const CONCURRENT_PUTS: usize = 4;

/// Attempts to record one chunk while its action's row is in use.
const RECORD_ATTEMPTS: u32 = 5;
const FIRST_CONTENTION_DELAY: Duration = Duration::from_millis(50);

/// Why a chunk could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The lease is lost, or the database is away.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Object storage is away.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A recorded chunk is not what the file gives now.
    #[error(
        "chunk {partition}-{seq} was cut differently before: the file or the version of this service has changed"
    )]
    Changed {
        /// Its partition.
        partition: i16,
        /// Its place there.
        seq: i32,
    },
    /// A task of this process was lost.
    #[error("a write was aborted: {0}")]
    Aborted(#[from] tokio::task::JoinError),
}

/// Writes the chunks of one file.
pub struct ChunkWriter {
    dependencies: Dependencies,
    account: String,
    lease: ChunkingLease,
    max_in_flight: i64,
    recorded: HashMap<(i16, i32), RecordedChunk>,
    writes: JoinSet<Result<(), WriteError>>,
}

impl ChunkWriter {
    /// A writer that leaves the `recorded` chunks alone, but for those whose object is to be written again.
    #[must_use]
    pub fn new(
        dependencies: Dependencies,
        account: String,
        lease: ChunkingLease,
        max_in_flight: i64,
        recorded: HashMap<(i16, i32), RecordedChunk>,
    ) -> Self {
        Self { dependencies, account, lease, max_in_flight, recorded, writes: JoinSet::new() }
    }

    /// Begins to write a chunk; waits while enough are being written.
    ///
    /// # Errors
    /// That of any chunk written so far.
    pub async fn write(
        &mut self,
        partition: i16,
        seq: i32,
        row_count: usize,
        object: Vec<u8>,
    ) -> Result<(), WriteError> {
        let content_hash = content_hash(&object);
        let recorded = self.recorded.get(&(partition, seq));
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
            ring(&dependencies, &bells).await;
            Ok(())
        });
        Ok(())
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// That of the first chunk that could not be written.
    pub async fn finish(mut self) -> Result<(), WriteError> {
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

/// Records a chunk, or that its object was written again. A transaction that meets contention has changed nothing and is made
/// again, because otherwise the whole file would have to be read again.
async fn record(
    dependencies: &Dependencies,
    lease: &ChunkingLease,
    chunk: NewChunk,
    is_new: bool,
    max_in_flight: i64,
) -> Result<Vec<db::Bell>, DbError> {
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

/// A bell that cannot be rung is no failure of the work: it is recorded, and the reconciler will ring.
pub async fn ring(dependencies: &Dependencies, bells: &[db::Bell]) {
    if let Err(error) = dependencies.queue.ring(bells).await {
        tracing::warn!(%error, bells = bells.len(), "could not ring; the reconciler will");
    }
}
