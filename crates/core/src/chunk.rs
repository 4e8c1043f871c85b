//! A chunk: up to `CHUNK_SIZE` rows of one partition of one action, the unit of work, of retry and of commit.

mod outcome;
mod record;
mod status;

pub use outcome::{RowCode, RowOutcome, RowStatus};
pub use record::{
    ChunkDecodeError, ChunkEncoder, ChunkRow, ChunkRows, ResultRow, ResultRows, ResultsEncoder, content_hash,
    decode_chunk, decode_results,
};
pub use status::{ChunkEvent, ChunkStatus, IllegalChunkMove};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkId {
    /// The action it belongs to.
    pub action_id: Uuid,
    /// The partition: rows with equal keys are in the same one.
    pub partition: i16,
    /// Its place in the partition, from 0; a chunk starts when its predecessor is done.
    pub seq: i32,
}
