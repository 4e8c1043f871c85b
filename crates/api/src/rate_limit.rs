//! Rate limits of accounts and addresses.
//!
//! Every limit is a bucket that holds one window's worth of requests and refills steadily (GCRA): as many requests as
//! the bucket holds may come at once, and after that as many as the refill allows. Buckets of accounts are in Redis, so
//! that they apply over all API processes ([`shared`]); while Redis is down each process keeps its own ([`fallback`]).
//! Before authentication, each process also has a bucket per address ([`address`]). The reasons are in
//! docs/decisions/0014.

mod address;
mod fallback;
mod headers;
mod quota;
mod shared;

pub(crate) use address::{AddressLimit, client_address, network};
pub(crate) use headers::write_headers;
pub(crate) use quota::Decision;

use bulk_core::config::{RateLimitConfig, RedisConfig};
use redis::RedisError;

use fallback::FallbackBuckets;
use quota::Quota;
use shared::SharedBuckets;

/// Rate limits of accounts.
pub(crate) struct AccountLimits {
    /// The quota of all requests, and the quota of uploads.
    quotas: [Quota; 2],
    shared: SharedBuckets,
    fallback: FallbackBuckets<2>,
}

impl AccountLimits {
    /// The configured limits. Does not connect to Redis.
    ///
    /// # Errors
    /// If the URL is not a Redis URL.
    pub(crate) fn open(limits: &RateLimitConfig, redis: &RedisConfig) -> Result<Self, RedisError> {
        let quotas = [
            Quota::new("requests", limits.max_requests, limits.window),
            Quota::new("uploads", limits.max_uploads, limits.window),
        ];
        Ok(Self { shared: SharedBuckets::open(redis)?, fallback: FallbackBuckets::new(&quotas), quotas })
    }

    /// Connects if Redis is available; otherwise the buckets of this process are used until it is.
    pub(crate) async fn connect(&self) {
        self.shared.connect().await;
    }

    /// Takes one request of the account out of its buckets; an upload is taken out of both.
    pub(crate) async fn take(&self, account: &str, is_upload: bool) -> Decision {
        let quotas = if is_upload { &self.quotas[..] } else { &self.quotas[..1] };
        match self.shared.take(account, quotas).await {
            Some(decision) => decision,
            None => self.fallback.take(account, quotas),
        }
    }

    /// Drops full buckets of this process, which are the same as new ones.
    pub(crate) fn forget_full_buckets(&self) {
        self.fallback.forget_full();
    }
}
