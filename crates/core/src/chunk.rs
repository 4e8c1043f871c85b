//! A chunk: up to `CHUNK_SIZE` rows of one partition of an action. The unit of work, retry and commit.

mod outcome;
mod record;
#[cfg(test)]
mod status;

pub use outcome::{RecordId, RowCode, RowOutcome, RowStatus};
pub use record::{
    ChunkDecodeError, ChunkEncoder, ChunkRow, ChunkRows, ResultRow, ResultRows, ResultsEncoder, content_hash,
    decode_chunk, decode_results,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Place of a chunk within its action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChunkPlace {
    /// Partition of the chunk.
    pub partition: i16,
    /// Position within the partition, from 0.
    pub seq: i32,
}

/// Identifies a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkId {
    /// Action that the chunk belongs to.
    pub action_id: Uuid,
    /// Partition. Rows with equal keys are in the same one.
    pub partition: i16,
    /// Position within the partition, from 0. A chunk starts after its predecessor is done.
    pub seq: i32,
}
