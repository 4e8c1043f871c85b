//! How much one account, or one address, may ask.
//!
//! Every limit is a bucket that holds a window's worth of requests and is refilled steadily (GCRA): as many as the bucket
//! holds may come at once, and after that as many as flow in. For accounts the buckets are in Redis, so that they hold
//! over all API processes ([`shared`]); while Redis is away each process keeps its own ([`fallback`]). In front of them,
//! before anybody asks who is calling, each process has a bucket per address ([`address`]).
//! Why so: docs/decisions/0014.

mod address;
mod fallback;
mod headers;
mod quota;
mod shared;

pub(crate) use address::{AddressLimit, client_address, network};
pub(crate) use headers::{whole_seconds, write_headers};
pub(crate) use quota::Verdict;

use bulk_core::config::{RateLimitConfig, RedisConfig};
use redis::RedisError;

use fallback::FallbackBuckets;
use quota::Quota;
use shared::SharedBuckets;

/// The limits of accounts.
pub(crate) struct AccountLimits {
    /// For every request, and beside it for uploads.
    quotas: [Quota; 2],
    shared: SharedBuckets,
    fallback: FallbackBuckets<2>,
}

impl AccountLimits {
    /// The limits as they are set; nothing is asked of Redis yet.
    ///
    /// # Errors
    /// When the URL is not a Redis URL.
    pub(crate) fn open(limits: &RateLimitConfig, redis: &RedisConfig) -> Result<Self, RedisError> {
        let quotas = [
            Quota::new("requests", limits.max_requests, limits.window),
            Quota::new("uploads", limits.max_uploads, limits.window),
        ];
        Ok(Self { shared: SharedBuckets::open(redis)?, fallback: FallbackBuckets::new(&quotas), quotas })
    }

    /// Connects, if Redis is there; else the buckets of this process stand in until it is.
    pub(crate) async fn connect(&self) {
        self.shared.connect().await;
    }

    /// Takes one request of the account's, which is also an upload or not, out of its buckets.
    pub(crate) async fn take(&self, account: &str, is_upload: bool) -> Verdict {
        let quotas = if is_upload { &self.quotas[..] } else { &self.quotas[..1] };
        match self.shared.take(account, quotas).await {
            Some(verdict) => verdict,
            None => self.fallback.take(account, quotas),
        }
    }

    /// Forgets the buckets of this process that are full again.
    pub(crate) fn forget_full_buckets(&self) {
        self.fallback.forget_full();
    }
}
