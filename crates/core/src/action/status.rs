//! The state machine of an action. Each transition in `db/` calls [`ActionStatus::on`] while it holds the lock of the
//! action's row, with one exception: the reconciler moves all due actions from `scheduled` to `queued` in one statement
//! whose `WHERE` names the expected state. moves.txt lists the allowed moves. A unit test compares it with this
//! machine, and the test kit compares it with every status change that the tests cause in the database.
//!
//! ```text
//! scheduled ─▶ queued ─▶ validating ─▶ processing ─▶ completed
//!     any unfinished                 ─▶ paused ─▶ back to where it was
//!     any unfinished                 ─▶ cancelled
//!     queued, validating, processing ─▶ failed ─▶ (retry) processing
//! ```

use thiserror::Error;

/// Status of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ActionStatus {
    /// Set by an upload with a start time. The reconciler queues the action at that time.
    Scheduled,
    /// Waits for a chunking worker.
    Queued,
    /// A chunking worker reads the file; no chunk has been recorded yet.
    Validating,
    /// The first chunk has been recorded: rows are being applied, possibly while the file is still read.
    Processing,
    /// Every row has its outcome. Final.
    Completed,
    /// Paused by its owner. No worker claims or commits any part of it until it is resumed.
    Paused,
    /// Cancelled by its owner. Final: its counts never change again.
    Cancelled,
    /// The file could not be read to its end, or chunks are dead. A retry resumes the action.
    Failed,
}

/// Event that changes the status of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionEvent {
    /// The start time has come.
    ScheduleDue,
    /// A chunking worker claimed the file.
    ChunkingClaimed,
    /// A chunk was recorded in the database.
    ChunkRecorded,
    /// The last chunk is done, so every row is counted.
    EveryRowDone,
    /// The file is unreadable, or only dead chunks are left.
    GaveUp,
    /// The owner pauses the action.
    Pause,
    /// The owner resumes the action; carries the state before the pause.
    Resume(ActionStatus),
    /// The owner cancels the action.
    Cancel,
    /// The owner retries what failed.
    Retry,
}

/// A transition that the state machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an action that is {from} cannot {event}")]
pub struct IllegalMove {
    /// Current state.
    pub from: ActionStatus,
    /// The rejected operation, as a verb.
    pub event: &'static str,
}

impl ActionStatus {
    /// Every status, for tests and documentation.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Queued,
        Self::Validating,
        Self::Processing,
        Self::Completed,
        Self::Paused,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The status after `event`.
    ///
    /// # Errors
    /// [`IllegalMove`] where the machine has no such edge.
    pub fn on(self, event: ActionEvent) -> Result<Self, IllegalMove> {
        use ActionEvent as E;
        let next = match (self, event) {
            (Self::Scheduled, E::ScheduleDue) => Self::Queued,
            (Self::Queued, E::ChunkingClaimed) => Self::Validating,
            // A second chunker continues after the first one died; the action is already in this state.
            (Self::Validating | Self::Processing, E::ChunkingClaimed) => self,
            (Self::Validating | Self::Processing, E::ChunkRecorded) => Self::Processing,
            (Self::Validating | Self::Processing, E::EveryRowDone) => Self::Completed,
            (Self::Queued | Self::Validating | Self::Processing, E::GaveUp) => Self::Failed,
            (from, E::Pause) if from.moves() => Self::Paused,
            (Self::Paused, E::Resume(from)) if from.moves() => from,
            (from, E::Cancel) if from.is_unfinished() => Self::Cancelled,
            (Self::Failed, E::Retry) => Self::Processing,
            (from, event) => return Err(IllegalMove { from, event: event.verb() }),
        };
        Ok(next)
    }

    /// True unless the action is completed, cancelled or failed.
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        !matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }

    /// True if workers may commit work of the action.
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(self, Self::Validating | Self::Processing)
    }

    /// True if the action makes progress by itself: neither finished nor paused.
    #[must_use]
    pub fn moves(self) -> bool {
        self.is_unfinished() && self != Self::Paused
    }

    /// The name used in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Validating => "validating",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for ActionStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ActionEvent {
    fn verb(self) -> &'static str {
        match self {
            Self::ScheduleDue => "be started by its schedule",
            Self::ChunkingClaimed => "be chunked",
            Self::ChunkRecorded => "record a chunk",
            Self::EveryRowDone => "be completed",
            Self::GaveUp => "be given up",
            Self::Pause => "be paused",
            Self::Resume(_) => "be resumed",
            Self::Cancel => "be cancelled",
            Self::Retry => "be retried",
        }
    }
}

/// Result of a completed action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Outcome {
    /// No row failed.
    Success,
    /// Some rows failed.
    Partial,
    /// Every row failed.
    Failure,
}

impl Outcome {
    /// The outcome of an action of `total` rows of which `failed` failed.
    #[must_use]
    pub fn of(failed: i64, total: i64) -> Self {
        match failed {
            0 => Self::Success,
            failed if failed < total => Self::Partial,
            _ => Self::Failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ActionEvent as E, ActionStatus as S, *};

    /// The events that lead from one status to another, for all pairs.
    fn edges(from: S, to: S) -> Vec<E> {
        let mut events = vec![
            E::ScheduleDue,
            E::ChunkingClaimed,
            E::ChunkRecorded,
            E::EveryRowDone,
            E::GaveUp,
            E::Pause,
            E::Cancel,
            E::Retry,
        ];
        events.extend(S::ALL.map(E::Resume));
        events.into_iter().filter(|&event| from.on(event) == Ok(to)).collect()
    }

    #[test]
    fn the_machine_has_exactly_the_moves_of_its_drawing() {
        let drawing: Vec<&str> =
            include_str!("moves.txt").lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(drawing.len(), S::ALL.len());
        for from in S::ALL {
            let followers = drawing.iter().find_map(|line| line.strip_prefix(&format!("{from}:"))).unwrap();
            let drawn: Vec<&str> = followers.split_whitespace().collect();
            // Staying is not a move: a chunker that replaces a dead one finds the action in the same state.
            for to in S::ALL.into_iter().filter(|&to| to != from) {
                assert_eq!(!edges(from, to).is_empty(), drawn.contains(&to.as_str()), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn a_refused_move_names_the_state_and_the_wish() {
        let refused = S::Completed.on(E::Cancel).unwrap_err();
        assert_eq!(refused.to_string(), "an action that is completed cannot be cancelled");
    }

    #[test]
    fn an_outcome_is_partial_only_between_none_and_all() {
        assert_eq!(Outcome::of(0, 10), Outcome::Success);
        assert_eq!(Outcome::of(3, 10), Outcome::Partial);
        assert_eq!(Outcome::of(10, 10), Outcome::Failure);
    }
}
