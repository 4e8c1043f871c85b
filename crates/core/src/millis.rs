//! Durations as PostgreSQL takes them.

use std::time::Duration;

/// The duration in whole milliseconds; the largest number there is for one that is longer.
#[must_use]
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
