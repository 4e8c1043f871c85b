//! PostgreSQL: the truth. One module per concern, one function per transition; each transition is one transaction that
//! names the state it expects, and reports instead of forcing when it finds another.
//!
//! Transactions that touch an action's counters or status lock its row first ([`LockedAction`]) and then whatever chunks
//! they need, so they cannot deadlock with one another. The bell is rung after the commit: [`Bell`]s are what a
//! transaction leaves to ring.

mod actions;
mod chunking;
mod chunks;
mod clean_up;
mod committed;
mod control;
mod due;
mod error;
mod finish;
mod idempotency;
mod locked_action;
mod pool;
mod uploads;
mod waiting;

pub use actions::{
    ActionFilter, ActionRecord, Insertion, NewAction, find_action, followed_actions, insert_action,
    list_actions,
};
pub use chunking::{
    ChunkingClaim, ChunkingLease, NewChunk, RecordedChunk, chunk_rewritten, claim_chunking, fail_chunking,
    finish_chunking, hand_back_chunking, record_chunk, refuse_file, renew_chunking,
};
pub use chunks::{ChunkClaim, ChunkLease, claim_chunk, fail_chunk, hand_back_chunk, renew_chunk};
pub use clean_up::{FinishedAction, actions_to_clean, committed_attempts, mark_cleaned};
pub use committed::{CommittedChunk, code_counts, committed_chunks};
pub use control::{cancel_action, pause_action, resume_action, retry_action};
pub use due::{
    expire_chunk_leases, forgotten_chunking, forgotten_chunks, release_waiting, retries_due, schedules_due,
    settle_finished,
};
pub use error::{DbError, is_outage};
pub use finish::{ChunkCounts, FinishedChunk, finish_chunk};
pub use idempotency::{IdempotencyKey, KeyUse, find_key, remove_expired_keys};
pub use locked_action::LockedAction;
pub use pool::{SchemaError, connect, migrate, require_schema};
pub use uploads::{OrphanedUpload, begin_upload, end_upload, orphaned_uploads, touch_upload};

use uuid::Uuid;

use crate::chunk::ChunkId;

/// A bell to ring once the transaction that returned it has committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bell {
    /// A file waits to be chunked.
    Chunking {
        /// The action.
        action_id: Uuid,
        /// Its trace context.
        traceparent: String,
    },
    /// A chunk waits to be processed.
    Processing {
        /// The chunk.
        chunk: ChunkId,
        /// Its action's trace context.
        traceparent: String,
    },
}

/// How a failed attempt is followed up.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Failures after which no further attempt is made.
    pub max_failures: u32,
    /// Time before the next attempt, in ms.
    pub delay_ms: i64,
}
