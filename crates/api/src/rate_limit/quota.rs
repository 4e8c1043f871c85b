//! Quotas and their use.

use std::time::Duration;

/// Size of a bucket and time of its refill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Name in keys and headers.
    pub(super) name: &'static str,
    /// Requests in a full bucket.
    pub(super) limit: u32,
    /// Time in which an empty bucket fills.
    pub(super) window: Duration,
}

impl Quota {
    pub(super) const fn new(name: &'static str, limit: u32, window: Duration) -> Self {
        Self { name, limit, window }
    }

    /// Time in which one request is refilled, in whole microseconds, so that sums stay exact in Redis too.
    pub(super) fn interval_us(&self) -> u64 {
        let window_us = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        (window_us / u64::from(self.limit)).max(1)
    }

    /// Time in which an empty bucket fills, as a sum of intervals.
    pub(super) fn capacity_us(&self) -> u64 {
        self.interval_us() * u64::from(self.limit)
    }
}

/// Current use of a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(super) quota: Quota,
    /// Requests that could come at once.
    pub(super) remaining: u32,
    /// Time until the bucket is full, if no request comes.
    pub(super) reset: Duration,
}

impl Standing {
    /// Computes the standing from the time that the bucket needs to become full.
    pub(super) fn new(quota: &Quota, missing_us: u64) -> Self {
        let left_us = quota.capacity_us().saturating_sub(missing_us);
        let remaining = u32::try_from(left_us / quota.interval_us()).unwrap_or(u32::MAX);
        Self { quota: quota.clone(), remaining, reset: Duration::from_micros(missing_us) }
    }
}

/// Decision about a request, with the standing of each of its quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Allowed, and taken out of the buckets.
    Allowed(Vec<Standing>),
    /// Refused. Shared buckets are unchanged; fallback buckets before the empty one have lost a request.
    Refused {
        /// Standings of the quotas.
        standings: Vec<Standing>,
        /// Time after which the request would be allowed if no other came.
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
