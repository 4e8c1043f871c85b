//! Rate limits.

use std::time::Duration;

use super::reader::Reader;

const MAX_LIMIT: u32 = 1_000_000_000;
/// Ratio of the limit per address to the limit per account: an address may be a gateway or an office with many
/// accounts.
const ADDRESS_FACTOR: u32 = 10;

/// Rate limits.
#[derive(Clone, Debug)]
pub struct RateLimitConfig {
    /// `RATE_LIMIT_WINDOW_MS`: window of all limits, in milliseconds. Default 60000.
    pub window: Duration,
    /// `RATE_LIMIT_MAX_REQUESTS`: requests of one account in a window, uploads included. Default 10000.
    pub max_requests: u32,
    /// `BULK_ACTION_RATE_LIMIT`: uploads of one account in a window. Default 1000, which is 16 per second; more files
    /// than that are better combined into one.
    pub max_uploads: u32,
    /// `ADDRESS_RATE_LIMIT`: requests from one address in a window, per process, checked before authentication. Default
    /// ten times `RATE_LIMIT_MAX_REQUESTS`.
    pub max_requests_per_address: u32,
}

impl RateLimitConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let max_requests = reader.number("RATE_LIMIT_MAX_REQUESTS", 10_000, 1..=MAX_LIMIT);
        let per_address = max_requests.saturating_mul(ADDRESS_FACTOR).min(MAX_LIMIT);
        Self {
            window: reader.duration_ms("RATE_LIMIT_WINDOW_MS", 60_000, 1..=86_400_000),
            max_requests,
            max_uploads: reader.number("BULK_ACTION_RATE_LIMIT", 1000, 1..=MAX_LIMIT),
            max_requests_per_address: reader.number("ADDRESS_RATE_LIMIT", per_address, 1..=MAX_LIMIT),
        }
    }
}
