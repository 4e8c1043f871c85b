//! Errors of transitions, and which errors of the database mean that it is away rather than that something is wrong.

use chrono::{DateTime, SecondsFormat, Utc};
use thiserror::Error;

use crate::action::IllegalMove;
use crate::health::{Dependency, Outage};

/// Why a transition did not happen.
#[derive(Debug, Error)]
pub enum DbError {
    /// The lease is no longer held: another worker has taken over, or the action was paused, cancelled or finished.
    /// Nothing was changed.
    #[error("the lease is no longer held")]
    Fenced,
    /// The state machine has no such move.
    #[error(transparent)]
    Illegal(#[from] IllegalMove),
    /// What the transition needs has been removed.
    #[error(
        "this action cannot be tried again: its {what} expired on {}. Upload the file again as a new action",
        since.to_rfc3339_opts(SecondsFormat::Secs, true)
    )]
    Gone {
        /// What has gone.
        what: &'static str,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// The database said no, or nothing.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl DbError {
    /// The database is away or overloaded: trying again later is right and counts as no attempt.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Database(error) if is_outage(error))
    }

    /// The same as an outage to tell a breaker of.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.is_outage().then(|| Outage::new(Dependency::Database, self))
    }
}

/// Whether an error says that the database is away, overloaded or was in another transaction's way, so that the same work
/// may succeed later. Told by SQLSTATE class: 08 connection, 25006 read-only, 25P03 idle transaction ended, 40 rollback (deadlock,
/// serialization), 53 resources, 55P03 lock not available, 57 operator intervention (shutdown, time-out), 58 system error.
#[must_use]
pub fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                || code == "25006"
                || code == "25P03"
                || code == "25P04"
                || code == "55P03"
        }),
        _ => false,
    }
}
