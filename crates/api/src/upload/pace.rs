//! Minimum speed of a body. An upload has no total time limit, since files and connections differ by a factor of
//! thousands. But a client that sends next to nothing occupies a connection and the memory of a part.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::error::ApiError;

/// Total time of waiting for the client after which the received bytes are checked.
const WINDOW: Duration = Duration::from_secs(30);
/// Bytes that must arrive per window: 1 KiB/s, a fiftieth of a bad mobile connection. Time spent waiting for object
/// storage does not count.
const MIN_BYTES_PER_WINDOW: usize = 30 * 1024;

const TOO_SLOW: &str = "the body came too slowly: send at least 1 KiB per second";

/// Watches one body.
#[derive(Default)]
pub(super) struct Pace {
    waited: Duration,
    received_bytes: usize,
}

impl Pace {
    /// Waits for the client.
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

    /// Records received bytes.
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
