//! Errors of transitions, and their classes: the database is away, the work was in another's way, or something is wrong.

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

    /// The transaction was in the way of another: trying again is right, counts as no attempt, and concerns nobody else.
    #[must_use]
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Database(error) if is_contention(error))
    }

    /// The same as an outage to tell a breaker of.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.is_outage().then(|| Outage::new(Dependency::Database, self))
    }
}

/// Whether an error says that the database is away, overloaded, read-only or shutting down, so that any work would meet it.
/// Decided by SQLSTATE class: 08 connection, 25006 read-only, 25P03 and 25P04 transaction ended by a time-out, 53 resources,
/// 57 operator intervention (but not a cancelled statement), 58 system error.
#[must_use]
pub fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| is_outage_code(&code)),
        _ => false,
    }
}

/// Whether an error says that the transaction was in the way of another, or its statement took too long: the same work may
/// succeed a moment later, and other work is not concerned.
#[must_use]
pub fn is_contention(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    database.and_then(sqlx::error::DatabaseError::code).is_some_and(|code| is_contention_code(&code))
}

/// Class 40 is rollback (deadlock, serialization failure), 55P03 a lock that was not available in time, 57014 a statement
/// that was cancelled, in most cases by its time-out.
fn is_contention_code(code: &str) -> bool {
    code.starts_with("40") || code == "55P03" || code == "57014"
}

fn is_outage_code(code: &str) -> bool {
    let (classes, codes) = (["08", "53", "57", "58"], ["25006", "25P03", "25P04"]);
    !is_contention_code(code)
        && (classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_race_is_contention_and_no_outage() {
        for code in ["40P01", "40001", "55P03", "57014"] {
            assert!(is_contention_code(code) && !is_outage_code(code), "{code}");
        }
        for code in ["08006", "25006", "25P03", "53300", "57P01", "57P05", "58030"] {
            assert!(is_outage_code(code) && !is_contention_code(code), "{code}");
        }
        for code in ["23505", "22001", "42P01"] {
            assert!(!is_outage_code(code) && !is_contention_code(code), "{code}");
        }
    }
}
