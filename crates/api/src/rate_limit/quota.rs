//! What a limit allows, and how far a caller has used it.

use std::time::Duration;

/// A bucket's size and how fast it is refilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Its name in keys and headers.
    pub(super) name: &'static str,
    /// What a full bucket holds.
    pub(super) limit: u32,
    /// The time in which an empty bucket fills.
    pub(super) window: Duration,
}

impl Quota {
    pub(super) const fn new(name: &'static str, limit: u32, window: Duration) -> Self {
        Self { name, limit, window }
    }

    /// The time in which one request flows in, in whole microseconds: sums of them stay exact, in Redis too.
    pub(super) fn interval_us(&self) -> u64 {
        let window_us = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        (window_us / u64::from(self.limit)).max(1)
    }

    /// The time in which an empty bucket fills, as a sum of intervals.
    pub(super) fn capacity_us(&self) -> u64 {
        self.interval_us() * u64::from(self.limit)
    }
}

/// How much of a quota is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(super) quota: Quota,
    /// Requests that could come at once.
    pub(super) remaining: u32,
    /// Until the bucket is full, if nothing more comes.
    pub(super) reset: Duration,
}

impl Standing {
    /// From the time that the bucket needs to be full again.
    pub(super) fn new(quota: &Quota, missing_us: u64) -> Self {
        let left_us = quota.capacity_us().saturating_sub(missing_us);
        let remaining = u32::try_from(left_us / quota.interval_us()).unwrap_or(u32::MAX);
        Self { quota: quota.clone(), remaining, reset: Duration::from_micros(missing_us) }
    }
}

/// Whether a request may pass. The standings are those of every quota that it is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It may, and was taken out of the buckets.
    Allowed(Vec<Standing>),
    /// It may not, and nothing was taken.
    Refused {
        /// How full the buckets are.
        standings: Vec<Standing>,
        /// After this time it would pass, if nothing else came.
        retry_after: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_does_not_divide_evenly_allows_the_limit_and_not_one_more() {
        for limit in [1, 3, 7, 999, 9999, 10_000, 1_000_000_000] {
            let quota = Quota::new("requests", limit, Duration::from_secs(60));
            assert_eq!(quota.capacity_us() / quota.interval_us(), u64::from(limit));
            assert_eq!(Standing::new(&quota, 0).remaining, limit);
            assert_eq!(Standing::new(&quota, quota.interval_us()).remaining, limit - 1);
            assert_eq!(Standing::new(&quota, quota.capacity_us()).remaining, 0);
        }
    }
}
