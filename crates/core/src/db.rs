//! PostgreSQL, the source of truth. One module per concern and one function per transition. A transition is one
//! transaction that names the state it expects and returns an error or `false` when it finds another one.
//!
//! Transactions that change an action's counters or status lock its row first ([`LockedAction`]) and its chunks after
//! that, so they cannot deadlock with one another. Bells are rung after the commit: a transaction returns the
//! [`Job`](crate::queue::Job)s.

mod actions;
mod chunks;
mod clean_up;
mod committed;
mod control;
mod declarations;
mod due;
mod erasure;
mod error;
mod files;
mod finish;
mod frozen;
mod idempotency;
mod locked_action;
mod pool;
mod removals;
mod uploads;
mod usage;
mod waiting;

pub use actions::{
    ActionFilter, ActionRecord, Insertion, NewAction, StoredFile, count_actions, find_action,
    followed_actions, insert_action, list_actions,
};
pub use chunks::{
    ChunkClaim, ChunkLease, accounts_wait_for_a_slot, chunk_lease_survived, claim_chunk, defer_chunk,
    fail_chunk, hand_back_chunk, renew_chunk,
};
pub(crate) use clean_up::{ActionObjects, action_objects};
pub use committed::{CommittedChunk, code_counts, committed_chunks};
pub use control::{cancel_action, pause_action, resume_action, retry_action};
pub use due::{
    bury_lost_chunks, end_finished, expire_chunk_leases, expire_file_leases, release_waiting, retries_due,
    start_scheduled, waiting_chunks, waiting_files,
};
pub use erasure::RecordTable;
pub(crate) use erasure::{
    cancel_all, count_rows, delete_bookkeeping, delete_finished_actions, delete_records, kept_declarations,
    stragglers_gone_in_ms, table_exists, take_uploads,
};
pub use error::{DbError, is_contention, is_outage};
pub use files::{
    FileClaim, FileLease, FileShare, NewChunk, RecordedChunk, chunk_rewritten, claim_file, fail_file,
    file_lease_survived, files_wait_for_a_slot, finish_file, hand_back_file, record_chunk, refuse_file,
    renew_file,
};
pub use finish::{ChunkCounts, FinishedChunk, finish_chunk};
pub use frozen::{FrozenEntities, FrozenError};
pub use idempotency::{IdempotencyKey, KeyUse, find_key, remove_expired_keys};
pub(crate) use locked_action::LockedAction;
pub(crate) use pool::connect_for_probes;
pub use pool::{SchemaError, SessionBounds, connect, migrate, require_schema};
pub use removals::{
    Removal, RemovalPart, abandon_uploads, count_removals, delete_action, due_removals, expire_actions,
    expire_chunks, expire_files, expire_results,
};
pub(crate) use removals::{removal_done, removal_failed};
pub use uploads::{begin_upload, end_upload, is_abandoned, touch_upload};
pub use usage::{QuotaExceeded, Quotas, room_for_upload};

/// Retry rule for a failed attempt.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Failures after which no further attempt is made.
    pub max_failures: u32,
    /// Time before the next attempt, in ms.
    pub delay_ms: i64,
}
