//! Settings of both workers.

use std::time::Duration;

use super::reader::Reader;

/// Settings of both workers.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// `CHUNKING_CONCURRENCY`: files that one chunking-worker cuts concurrently. Default 2.
    pub chunking_concurrency: usize,
    /// `PROCESSING_CONCURRENCY`: chunks that one processing-worker applies concurrently. Default 2.
    pub processing_concurrency: usize,
    /// `CHUNKING_HEALTH_PORT`: TCP port for health and metrics of the chunking-worker, 0 for any free one. Default
    /// 3001.
    pub chunking_health_port: u16,
    /// `PROCESSING_HEALTH_PORT`: the same for the processing-worker. Default 3002.
    pub processing_health_port: u16,
    /// `LEASE_MS`: duration of a lease without renewal, in milliseconds. Default 5000, which is also the delay until
    /// the work of a killed worker is taken over. It also limits the idle time of a transaction that waits for S3.
    pub lease: Duration,
    /// `RECONCILE_INTERVAL_MS`: pause between two rounds of the reconciler, in milliseconds. Default 1000.
    pub reconcile_interval: Duration,
    /// `MAX_CHUNKS_IN_FLIGHT_PER_ACCOUNT`: most released and unfinished chunks of one account. Default 8.
    pub max_chunks_in_flight_per_account: u32,
    /// `MAX_CHUNK_ATTEMPTS`: failed attempts (outages do not count) after which a chunk is dead, or an unreadable file
    /// fails its action. Default 5, which takes about half a minute with the growing pauses between attempts.
    pub max_chunk_attempts: u32,
}

impl WorkerConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            chunking_concurrency: reader.number("CHUNKING_CONCURRENCY", 2, 1..=256),
            processing_concurrency: reader.number("PROCESSING_CONCURRENCY", 2, 1..=256),
            chunking_health_port: reader.number("CHUNKING_HEALTH_PORT", 3001, 0..=u16::MAX),
            processing_health_port: reader.number("PROCESSING_HEALTH_PORT", 3002, 0..=u16::MAX),
            lease: reader.duration_ms("LEASE_MS", 5000, 100..=3_600_000),
            reconcile_interval: reader.duration_ms("RECONCILE_INTERVAL_MS", 1000, 10..=600_000),
            max_chunks_in_flight_per_account: reader.number(
                "MAX_CHUNKS_IN_FLIGHT_PER_ACCOUNT",
                8,
                1..=10_000,
            ),
            max_chunk_attempts: reader.number("MAX_CHUNK_ATTEMPTS", 5, 1..=100),
        }
    }
}
