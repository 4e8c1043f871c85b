//! How slowly a body may come. An upload has no time limit as a whole, since files and lines differ by a factor of
//! thousands; but who sends next to nothing holds a connection and a part's memory for nothing.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::error::ApiError;

/// Every time that the API has waited this long for bytes, in sum, ...
const WINDOW: Duration = Duration::from_secs(30);
/// ... so many must have come: 1 KiB/s, a fiftieth of what a bad mobile line carries. Time in which object storage was
/// waited for is not the caller's.
const MIN_BYTES_PER_WINDOW: usize = 30 * 1024;

const TOO_SLOW: &str = "the body came too slowly: send at least 1 KiB per second";

/// Watches one body.
#[derive(Default)]
pub(super) struct Pace {
    waited: Duration,
    received_bytes: usize,
}

impl Pace {
    /// Waits for the caller.
    ///
    /// # Errors
    /// [`ApiError::TooSlow`].
    pub(super) async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Result<T, ApiError> {
        let mut next = pin!(next);
        loop {
            let started = Instant::now();
            let arrived = timeout(WINDOW.saturating_sub(self.waited), &mut next).await;
            self.waited += started.elapsed();
            if self.waited >= WINDOW {
                if self.received_bytes < MIN_BYTES_PER_WINDOW {
                    return Err(ApiError::TooSlow(TOO_SLOW));
                }
                *self = Self::default();
            }
            if let Ok(arrived) = arrived {
                return Ok(arrived);
            }
        }
    }

    /// Notes what came.
    pub(super) fn received(&mut self, bytes: usize) {
        self.received_bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// Receives `bytes` every `pause`, for a minute and a half.
    async fn receive(bytes: usize, pause: Duration) -> Result<(), ApiError> {
        let mut pace = Pace::default();
        let end = Instant::now() + 3 * WINDOW;
        while Instant::now() < end {
            pace.wait(sleep(pause)).await?;
            pace.received(bytes);
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_is_borne_and_a_trickle_is_not() {
        assert!(receive(2048, Duration::from_secs(1)).await.is_ok());
        assert!(receive(60 * 1024, Duration::from_secs(25)).await.is_ok(), "in bursts");
        assert!(matches!(receive(1, Duration::from_millis(100)).await, Err(ApiError::TooSlow(_))));
        let started = Instant::now();
        assert!(
            matches!(receive(1024, Duration::from_secs(3600)).await, Err(ApiError::TooSlow(_))),
            "silence"
        );
        assert_eq!(started.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_time_that_the_caller_took_counts() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            assert!(pace.wait(sleep(Duration::from_millis(100))).await.is_ok());
            pace.received(100);
            sleep(WINDOW).await;
        }
    }
}
