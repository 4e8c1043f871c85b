//! The state machine of a chunk, in one place.
//!
//! ```text
//! pending ─▶ queued ─▶ running ─▶ done
//!                         ├─▶ retrying ─▶ queued
//!                         ├─▶ queued            (lease ran out, handed back)
//!                         └─▶ dead ─▶ (retry) pending
//!     queued, running, retrying ─▶ pending        (its action was paused or is over)
//! ```

use serde::Serialize;
use thiserror::Error;

/// Where a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChunkStatus {
    /// Recorded; waits for its predecessor, for its action to go on, or for room among its account's chunks in flight.
    Pending,
    /// Released: the bell was rung, any worker may claim it.
    Queued,
    /// A worker holds its lease.
    Running,
    /// An attempt failed; waits for its time to be tried again.
    Retrying,
    /// Committed, with every row's outcome. Final.
    Done,
    /// Gave up after its last attempt; waits for a person's retry.
    Dead,
}

/// What can happen to a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkEvent {
    /// There is room for it, and its predecessor is done.
    Released,
    /// A worker took the lease.
    Claimed,
    /// The worker committed it.
    Committed,
    /// The worker failed on it and may try again.
    AttemptFailed,
    /// The worker failed on it for the last time.
    AttemptsExhausted,
    /// The worker gave it back unharmed, or its lease ran out.
    HandedBack,
    /// The time of its next attempt has come.
    RetryDue,
    /// A person asked to try it again.
    Revived,
    /// Its action was paused, cancelled or given up.
    Withdrawn,
}

/// A move that the state machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no move from {from:?} on {event:?}")]
pub struct IllegalChunkMove {
    /// The state it is in.
    pub from: ChunkStatus,
    /// What was to happen.
    pub event: ChunkEvent,
}

impl ChunkStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Queued, Self::Running, Self::Retrying, Self::Done, Self::Dead];

    /// The status after `event`. The SQL in `db/` names the same edges in its `WHERE status = …`.
    ///
    /// # Errors
    /// [`IllegalChunkMove`] where the machine has no such edge.
    pub fn on(self, event: ChunkEvent) -> Result<Self, IllegalChunkMove> {
        use ChunkEvent as E;
        match (self, event) {
            (Self::Pending, E::Released) | (Self::Running, E::HandedBack) | (Self::Retrying, E::RetryDue) => {
                Ok(Self::Queued)
            }
            (Self::Queued | Self::Running | Self::Retrying, E::Withdrawn) | (Self::Dead, E::Revived) => {
                Ok(Self::Pending)
            }
            (Self::Queued, E::Claimed) => Ok(Self::Running),
            (Self::Running, E::Committed) => Ok(Self::Done),
            (Self::Running, E::AttemptFailed) => Ok(Self::Retrying),
            (Self::Running, E::AttemptsExhausted) => Ok(Self::Dead),
            (from, event) => Err(IllegalChunkMove { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkEvent as E, ChunkStatus as S};

    #[test]
    fn the_machine_has_exactly_the_edges_of_its_drawing() {
        let drawn = [
            (S::Pending, S::Queued),
            (S::Queued, S::Running),
            (S::Running, S::Done),
            (S::Running, S::Retrying),
            (S::Running, S::Queued),
            (S::Running, S::Dead),
            (S::Retrying, S::Queued),
            (S::Dead, S::Pending),
            (S::Queued, S::Pending),
            (S::Running, S::Pending),
            (S::Retrying, S::Pending),
        ];
        let events = [
            E::Released,
            E::Claimed,
            E::Committed,
            E::AttemptFailed,
            E::AttemptsExhausted,
            E::HandedBack,
            E::RetryDue,
            E::Revived,
            E::Withdrawn,
        ];
        for from in S::ALL {
            for to in S::ALL {
                let reachable = events.iter().any(|&event| from.on(event) == Ok(to));
                assert_eq!(reachable, drawn.contains(&(from, to)), "{from:?} -> {to:?}");
            }
        }
    }
}
