//! Waiting times after failures.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

const MAX_DELAY: Duration = Duration::from_secs(60);

/// The wait before the next attempt after `failures` consecutive failures: starts at `first` and doubles up to a
/// minute, with jitter, so that attempts that failed together are not repeated together.
#[must_use]
pub fn delay_after(failures: u32, first: Duration) -> Duration {
    let mut delays = ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(MAX_DELAY)
        .with_jitter()
        .without_max_times()
        .build();
    delays.nth(failures.saturating_sub(1) as usize).unwrap_or(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_are_bounded() {
        let first = Duration::from_millis(100);
        assert!((first..=first * 2).contains(&delay_after(1, first)));
        assert!((first * 4..=first * 8).contains(&delay_after(3, first)));
        assert!(delay_after(1000, first) <= MAX_DELAY * 2);
    }
}
