//! Progress of an action. Percentages and rates are computed from the exact counters and never stored.

use chrono::TimeDelta;

/// Outcomes of rows, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were applied.
    pub successful: i64,
    /// Rows that failed; each has a code and a message.
    pub failed: i64,
    /// Rows skipped on purpose: duplicates and records that already exist.
    pub skipped: i64,
}

impl Counts {
    /// Rows that have an outcome.
    #[must_use]
    pub fn processed(&self) -> i64 {
        self.successful + self.failed + self.skipped
    }
}

/// Percentages and speed, as shown to clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Percent of processed rows that succeeded, two decimals.
    pub success_rate: f64,
    /// Percent of processed rows that failed, two decimals.
    pub failure_rate: f64,
    /// Percent of processed rows that were skipped, two decimals.
    pub skip_rate: f64,
    /// Percent of all rows that have an outcome, two decimals. 100 only when every row has one.
    pub completion_rate: f64,
    /// Rows per second while workers were on the action, two decimals. Paused time does not count.
    pub rows_per_second: f64,
    /// Estimated seconds until every row has an outcome; 0 when every row has one. `None` before the first rows, and
    /// while the action is paused, cancelled or failed.
    pub eta_seconds: Option<i64>,
}

impl Progress {
    /// Computes the progress of `counts` out of `total` rows. `worked` is the time spent so far (`None` before the
    /// start); `moves` is true while workers process the rest.
    #[must_use]
    pub fn of(counts: &Counts, total: i64, worked: Option<TimeDelta>, moves: bool) -> Self {
        let processed = counts.processed();
        let elapsed_s = worked.map_or(0.0, |worked| worked.num_milliseconds().max(1) as f64 / 1000.0);
        let rows_per_second = if elapsed_s > 0.0 { processed as f64 / elapsed_s } else { 0.0 };
        let remaining = total - processed;
        let eta_seconds = match remaining {
            0 => Some(0),
            _ if moves && rows_per_second > 0.0 => Some((remaining as f64 / rows_per_second).ceil() as i64),
            _ => None,
        };
        Self {
            success_rate: percent(counts.successful, processed),
            failure_rate: percent(counts.failed, processed),
            skip_rate: percent(counts.skipped, processed),
            completion_rate: percent(processed, total),
            rows_per_second: (rows_per_second * 100.0).round() / 100.0,
            eta_seconds,
        }
    }
}

/// `part` of `whole` in percent, truncated to two decimals, so that 100 means all.
fn percent(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (part as f64 * 10_000.0 / whole as f64).floor() / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_percent_is_shown_only_when_every_row_is_done() {
        let counts = Counts { successful: 999_999, failed: 0, skipped: 0 };
        assert_eq!(Progress::of(&counts, 1_000_000, None, true).completion_rate, 99.99);
        let counts = Counts { successful: 999_999, failed: 1, skipped: 0 };
        assert_eq!(Progress::of(&counts, 1_000_000, None, true).completion_rate, 100.0);
    }

    #[test]
    fn the_estimate_follows_the_speed_so_far() {
        let counts = Counts { successful: 500, failed: 0, skipped: 0 };
        let progress = Progress::of(&counts, 2000, Some(TimeDelta::seconds(5)), true);
        assert_eq!(progress.rows_per_second, 100.0);
        assert_eq!(progress.eta_seconds, Some(15));
    }

    #[test]
    fn an_action_that_does_not_move_has_a_speed_but_no_estimate_unless_it_is_done() {
        let counts = Counts { successful: 500, failed: 0, skipped: 0 };
        let held = Progress::of(&counts, 2000, Some(TimeDelta::seconds(5)), false);
        assert_eq!((held.rows_per_second, held.eta_seconds), (100.0, None));
        let done = Progress::of(&counts, 500, Some(TimeDelta::seconds(5)), false);
        assert_eq!(done.eta_seconds, Some(0));
    }

    #[test]
    fn nothing_done_yet_has_no_estimate() {
        let progress = Progress::of(&Counts::default(), 10, None, true);
        assert_eq!((progress.rows_per_second, progress.eta_seconds), (0.0, None));
    }
}
