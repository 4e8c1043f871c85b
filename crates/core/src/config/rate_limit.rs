//! How many requests are answered.

use std::time::Duration;

use super::reader::Reader;

const MAX_LIMIT: u32 = 1_000_000_000;
/// An address may be a gateway or an office that many accounts call from.
const ADDRESS_FACTOR: u32 = 10;

/// How many requests are answered.
#[derive(Clone, Debug)]
pub struct RateLimitConfig {
    /// `RATE_LIMIT_WINDOW_MS`: the time that all limits are for, in milliseconds. Default 60000.
    pub window: Duration,
    /// `RATE_LIMIT_MAX_REQUESTS`: requests of one account in a window, uploads included. Default 10000.
    pub max_requests: u32,
    /// `BULK_ACTION_RATE_LIMIT`: uploads of one account in a window. Default 1000: files that come faster than 16 a second
    /// should have been one file.
    pub max_uploads: u32,
    /// `ADDRESS_RATE_LIMIT`: requests from one address in a window, to one process, before anybody asks who is calling.
    /// Default ten times `RATE_LIMIT_MAX_REQUESTS`.
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
