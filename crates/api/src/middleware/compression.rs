//! Compression of responses for clients that accept it.

use tower_http::CompressionLevel;
use tower_http::compression::predicate::{DefaultPredicate, SizeAbove};
use tower_http::compression::{CompressionLayer, Predicate};

/// A smaller response fits into one packet anyway.
const MIN_BYTES: u64 = 1024;

/// Gzip for large responses, except event streams, which would wait in the compressor, and content that is compressed
/// already. Downloads are long texts, so the fastest level is best.
pub(crate) fn compression() -> CompressionLayer<impl Predicate> {
    // The default predicate excludes event streams and images.
    let predicate = DefaultPredicate::new().and(SizeAbove::new(MIN_BYTES));
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(predicate)
}
