//! Buckets of this process for times when Redis is down. They know nothing of other processes, so an account may send
//! several times as many requests in total; that is better than rejecting or allowing everything.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota as Rate, RateLimiter};

use super::quota::{Decision, Quota, Standing};

type Buckets = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// Buckets for each of `N` quotas.
pub(super) struct FallbackBuckets<const N: usize>([Buckets; N]);

impl<const N: usize> FallbackBuckets<N> {
    /// Full buckets.
    pub(super) fn new(quotas: &[Quota; N]) -> Self {
        Self(std::array::from_fn(|index| {
            let rate = rate(&quotas[index]);
            RateLimiter::keyed(rate).with_middleware()
        }))
    }

    /// Takes one out of each quota's bucket until one is empty. Requests already taken out of earlier buckets are not
    /// returned.
    pub(super) fn take(&self, account: &str, quotas: &[Quota]) -> Decision {
        let mut standings = Vec::new();
        for (quota, buckets) in quotas.iter().zip(&self.0) {
            match buckets.check_key(&account.to_owned()) {
                Ok(snapshot) => {
                    let used = u64::from(quota.limit.saturating_sub(snapshot.remaining_burst_capacity()));
                    standings.push(Standing::new(quota, used * quota.interval_us()));
                }
                Err(refused) => {
                    let retry_after = refused.wait_time_from(buckets.clock().now());
                    standings.push(Standing::new(quota, quota.capacity_us()));
                    return Decision::Refused { standings, retry_after };
                }
            }
        }
        Decision::Allowed(standings)
    }

    /// Drops buckets that are the same as new ones.
    pub(super) fn forget_full(&self) {
        for buckets in &self.0 {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

/// A quota in governor's terms. A limit is at least 1 and an interval at least a microsecond.
pub(super) fn rate(quota: &Quota) -> Rate {
    let burst = NonZeroU32::new(quota.limit).unwrap_or(NonZeroU32::MIN);
    let interval = Duration::from_micros(quota.interval_us());
    Rate::with_period(interval).unwrap_or(Rate::per_second(burst)).allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own_buckets_and_the_tightest_decides() {
        let hour = Duration::from_secs(3600);
        let quotas = [Quota::new("requests", 3, hour), Quota::new("uploads", 1, hour)];
        let buckets = FallbackBuckets::new(&quotas);
        let Decision::Allowed(standings) = buckets.take("a", &quotas) else { panic!("the first must pass") };
        assert_eq!((standings[0].remaining, standings[1].remaining), (2, 0));
        let Decision::Refused { retry_after, .. } = buckets.take("a", &quotas) else {
            panic!("a second upload")
        };
        assert!(retry_after > hour * 9 / 10 && retry_after <= hour, "{retry_after:?}");
        assert!(matches!(buckets.take("a", &quotas[..1]), Decision::Allowed(_)));
        assert!(matches!(buckets.take("a", &quotas[..1]), Decision::Refused { .. }));
        assert!(matches!(buckets.take("b", &quotas), Decision::Allowed(_)));
    }
}
