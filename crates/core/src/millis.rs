//! Durations in milliseconds, as used in SQL parameters.

use std::time::Duration;

/// The duration in whole milliseconds, saturating.
#[must_use]
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
