//! Lengths of recently completed downloads. A client that continues a download, or fetches it in parts, requests the
//! same file repeatedly, and without this each request would generate it twice.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

const KEPT: usize = 256;

static LENGTHS: Mutex<VecDeque<(String, u64)>> = Mutex::new(VecDeque::new());

/// The length of the download with this `etag`, if it is stored.
pub(super) fn known(etag: &str) -> Option<u64> {
    let lengths = LENGTHS.lock().unwrap_or_else(PoisonError::into_inner);
    lengths.iter().find(|(known, _)| known == etag).map(|(_, length)| *length)
}

/// Stores a length.
pub(super) fn note(etag: String, length: u64) {
    let mut lengths = LENGTHS.lock().unwrap_or_else(PoisonError::into_inner);
    if lengths.iter().any(|(known, _)| *known == etag) {
        return;
    }
    lengths.truncate(KEPT - 1);
    lengths.push_front((etag, length));
}
