//! The state machine of a chunk, in one place.
//!
//! ```text
//! pending ─▶ queued ─▶ running ─▶ done
//!                         ├─▶ retrying ─▶ queued    (an attempt failed, or met contention)
//!                         ├─▶ queued                (handed back, or its lease ran out)
//!                         └─▶ dead ─▶ (retry) pending
//!     queued, running, retrying ─▶ pending          (its action was paused or is over)
//! ```
//!
//! The moves are made by SQL in `db/`, each with the status that it expects. Which they may be is in moves.txt: a unit test
//! compares it with this machine, and the test kit with what every test has made the database write.

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
    /// An attempt failed or met contention; waits for its time to be tried again.
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
    /// The worker failed on it for the last time, or too many workers ended without a word over it.
    AttemptsExhausted,
    /// Its rows were in use by another transaction.
    Contended,
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

    /// The status after `event`.
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
            (Self::Running, E::AttemptFailed | E::Contended) => Ok(Self::Retrying),
            (Self::Running, E::AttemptsExhausted) => Ok(Self::Dead),
            (from, event) => Err(IllegalChunkMove { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkEvent as E, ChunkStatus as S};

    #[test]
    fn the_machine_has_exactly_the_moves_of_its_drawing() {
        let events = [
            E::Released,
            E::Claimed,
            E::Committed,
            E::AttemptFailed,
            E::AttemptsExhausted,
            E::Contended,
            E::HandedBack,
            E::RetryDue,
            E::Revived,
            E::Withdrawn,
        ];
        let drawing: Vec<&str> =
            include_str!("moves.txt").lines().filter(|line| !line.starts_with('#')).collect();
        let name = |status: S| serde_json::to_value(status).unwrap().as_str().unwrap().to_owned();
        assert_eq!(drawing.len(), S::ALL.len());
        for from in S::ALL {
            let followers =
                drawing.iter().find_map(|line| line.strip_prefix(&format!("{}:", name(from)))).unwrap();
            let drawn: Vec<&str> = followers.split_whitespace().collect();
            for to in S::ALL {
                let reachable = events.iter().any(|&event| from.on(event) == Ok(to));
                assert_eq!(reachable, drawn.contains(&name(to).as_str()), "{from:?} -> {to:?}");
            }
        }
    }
}
