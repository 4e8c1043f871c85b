//! Errors of transitions in three classes: outage, contention, and defects.

use std::error::Error as StdError;

use chrono::{DateTime, SecondsFormat, Utc};
use thiserror::Error;

use crate::action::IllegalMove;
use crate::health::{Dependency, Outage};

/// Reason why a transition did not happen.
#[derive(Debug, Error)]
pub enum DbError {
    /// The lease is no longer held: another worker has taken over, or the action was paused, cancelled or finished.
    /// Nothing was changed.
    #[error("the lease is no longer held")]
    Fenced,
    /// The state machine does not have this transition.
    #[error(transparent)]
    Illegal(#[from] IllegalMove),
    /// Something that the transition needs has been removed.
    #[error(
        "this action cannot be tried again: its {what} expired on {}. Upload the file again as a new action",
        since.to_rfc3339_opts(SecondsFormat::Secs, true)
    )]
    Gone {
        /// The removed part.
        what: &'static str,
        /// Time of the removal.
        since: DateTime<Utc>,
    },
    /// The database returned an error or did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl DbError {
    /// True if the database is unreachable or overloaded: retry later without counting an attempt.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Database(error) if is_outage(error))
    }

    /// True if the transaction conflicted with another one: retry without counting an attempt. Other work is not
    /// affected.
    #[must_use]
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Database(error) if is_contention(error))
    }

    /// The error as an outage for the breaker, if it is one.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.is_outage().then(|| Outage::new(Dependency::Database, self))
    }
}

/// True if the error means that the database is unreachable, overloaded, read-only or shutting down, so that any work
/// would fail. Decided by SQLSTATE class: 08 connection, 25006 read-only, 25P03 and 25P04 transaction ended by a
/// timeout, 53 resources, 57 operator intervention (except a cancelled statement), 58 system error.
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

/// True if the error means a conflict with another transaction, or a statement that took too long: the same work may
/// succeed a moment later, and other work is not affected.
#[must_use]
pub fn is_contention(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    database.and_then(sqlx::error::DatabaseError::code).is_some_and(|code| is_contention_code(&code))
}

/// A number in the type that the platform computes with. The constraints of its column leave out what does not fit.
///
/// # Errors
/// If it does not fit all the same.
pub(super) fn fitting<N, T: TryFrom<N, Error: StdError + Send + Sync + 'static>>(
    number: N,
) -> sqlx::Result<T> {
    T::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Class 40: rollback (deadlock, serialization failure). 55P03: a lock not available in time. 57014: a cancelled
/// statement, usually by its timeout.
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
