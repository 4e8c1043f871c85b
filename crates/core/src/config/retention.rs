//! Retention times of files, results, actions and chunks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::reader::Reader;

/// Retention times, counted from the end of an action; `None` means for ever. Nothing of an unfinished action is
/// removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// `FILE_RETENTION_DAYS`: the uploaded file. Default 30; empty: for ever.
    pub file: Option<Duration>,
    /// `RESULT_RETENTION_DAYS`: the results. Default 30; empty: for ever.
    pub results: Option<Duration>,
    /// `ACTION_RETENTION_DAYS`: the action, and with it any remaining file and results. Default 400; empty: for ever.
    pub action: Option<Duration>,
    /// `CHUNK_RETENTION_HOURS`: the chunk objects. Default: the same as the file.
    pub chunks: Option<Duration>,
}

impl RetentionConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            file: reader.days_or_never("FILE_RETENTION_DAYS", 30),
            results: reader.days_or_never("RESULT_RETENTION_DAYS", 30),
            action: reader.days_or_never("ACTION_RETENTION_DAYS", 400),
            chunks: reader.optional_hours("CHUNK_RETENTION_HOURS", 1..=876_000),
        }
    }

    /// Expiry of the file of an action that ended at `completed_at`.
    #[must_use]
    pub fn file_expires_at(&self, completed_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        after(completed_at, earlier(self.file, self.action))
    }

    /// Expiry of the results of an action that ended at `completed_at`.
    #[must_use]
    pub fn results_expire_at(&self, completed_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        after(completed_at, earlier(self.results, self.action))
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn after(start: DateTime<Utc>, kept_for: Option<Duration>) -> Option<DateTime<Utc>> {
    start.checked_add_signed(TimeDelta::from_std(kept_for?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn nothing_outlives_its_action() {
        let ended = DateTime::from_timestamp(0, 0).unwrap();
        let day = |days: i64| Some(ended + TimeDelta::days(days));
        let kept = |file, results, action| RetentionConfig { file, results, action, chunks: None };
        let both = |kept: RetentionConfig| (kept.file_expires_at(ended), kept.results_expire_at(ended));
        assert_eq!(both(kept(Some(DAY), Some(3 * DAY), Some(2 * DAY))), (day(1), day(2)));
        assert_eq!(both(kept(None, Some(DAY), None)), (None, day(1)));
        assert_eq!(both(kept(None, None, Some(DAY))), (day(1), day(1)));
        assert_eq!(both(kept(None, None, None)), (None, None));
    }
}
