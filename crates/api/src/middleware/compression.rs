//! Which answers are compressed for callers who can read it.

use tower_http::CompressionLevel;
use tower_http::compression::predicate::{DefaultPredicate, SizeAbove};
use tower_http::compression::{CompressionLayer, Predicate};

/// Below this an answer fits into one packet anyway.
const MIN_BYTES: u64 = 1024;

/// Gzip for everything large, but not for event streams, which would wait in the compressor, nor for what is compressed
/// already. Downloads are long and text, so the quickest level is best.
pub(crate) fn compression() -> CompressionLayer<impl Predicate> {
    // The default predicate keeps off event streams and images.
    let predicate = DefaultPredicate::new().and(SizeAbove::new(MIN_BYTES));
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(predicate)
}
