//! The state machine of a chunk.
//!
//! ```text
//! pending ─▶ queued ─▶ running ─▶ done
//!                         ├─▶ retrying ─▶ queued    (an attempt failed, or met contention)
//!                         ├─▶ queued                (handed back, or its lease ran out)
//!                         └─▶ dead ─▶ (retry) pending
//!     queued, running, retrying ─▶ pending          (its action was paused or finished)
//! ```
//!
//! SQL in `db/` makes the moves; each statement names the status it expects. So nothing but a test calls this machine:
//! the unit test compares it with moves.txt, which lists the allowed moves, and the test kit compares moves.txt with
//! every status change that the tests cause in the database.

use thiserror::Error;

/// Status of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ChunkStatus {
    /// Recorded. Waits for its predecessor, for a paused action, or for the account's limit of chunks in flight.
    Pending,
    /// Released: the bell was rung and any worker may claim it.
    Queued,
    /// A worker holds its lease.
    Running,
    /// An attempt failed or met contention. Waits for the next attempt.
    Retrying,
    /// Committed, with every row's outcome. Final.
    Done,
    /// Failed its last attempt. Waits for a manual retry.
    Dead,
}

/// Event that changes the status of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChunkEvent {
    /// The predecessor is done, and the account is below its limit of chunks in flight.
    Released,
    /// A worker took the lease.
    Claimed,
    /// The worker committed it.
    Committed,
    /// An attempt failed and another one follows.
    AttemptFailed,
    /// The last attempt failed, or too many workers died while they processed it.
    AttemptsExhausted,
    /// Another transaction held locks on its rows.
    Contended,
    /// The worker gave it back unprocessed, or its lease ran out.
    HandedBack,
    /// The next attempt is due.
    RetryDue,
    /// A person retried the action.
    Revived,
    /// The action was paused, cancelled or failed.
    Withdrawn,
}

/// A transition that the state machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no move from {from:?} on {event:?}")]
pub(super) struct IllegalChunkMove {
    /// Current state.
    from: ChunkStatus,
    /// The rejected event.
    event: ChunkEvent,
}

impl ChunkStatus {
    /// Every status.
    const ALL: [Self; 6] =
        [Self::Pending, Self::Queued, Self::Running, Self::Retrying, Self::Done, Self::Dead];

    /// The status after `event`.
    ///
    /// # Errors
    /// [`IllegalChunkMove`] where the machine has no such edge.
    fn on(self, event: ChunkEvent) -> Result<Self, IllegalChunkMove> {
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
        let name = |status: S| format!("{status:?}").to_lowercase();
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
