//! Where each object lives. An account id is `[A-Za-z0-9_-]+` and the rest are numbers and UUIDs, so no key can lead
//! out of its account's folder.

use uuid::Uuid;

use crate::chunk::ChunkId;

/// Everything of an action.
#[must_use]
pub fn action_prefix(account: &str, action_id: Uuid) -> String {
    format!("accounts/{account}/actions/{action_id}/")
}

/// The file as it was uploaded.
#[must_use]
pub fn raw(account: &str, action_id: Uuid) -> String {
    format!("{}raw.csv", action_prefix(account, action_id))
}

/// The rows of a chunk.
#[must_use]
pub fn chunk(account: &str, chunk: ChunkId) -> String {
    let ChunkId { action_id, partition, seq } = chunk;
    format!("{}chunks/{partition:03}-{seq:06}.csv", action_prefix(account, action_id))
}

/// The outcomes of a chunk's rows, as found by one attempt. The attempt is part of the key, so that a worker that was
/// overtaken writes beside the results that count, never over them.
#[must_use]
pub fn results(account: &str, chunk: ChunkId, attempt: i32) -> String {
    let ChunkId { action_id, partition, seq } = chunk;
    format!("{}results/{partition:03}-{seq:06}-{attempt}.csv", action_prefix(account, action_id))
}
