//! Lengths of complete downloads, kept from the last ones that came to their end: a client that goes on with a download, or
//! fetches it in parts, asks for the same one again and again, and each would be written twice otherwise.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

const KEPT: usize = 256;

static LENGTHS: Mutex<VecDeque<(String, u64)>> = Mutex::new(VecDeque::new());

/// The length of the download that `etag` names, if it is remembered.
pub(super) fn known(etag: &str) -> Option<u64> {
    let lengths = LENGTHS.lock().unwrap_or_else(PoisonError::into_inner);
    lengths.iter().find(|(known, _)| known == etag).map(|(_, length)| *length)
}

/// Remembers a length.
pub(super) fn note(etag: String, length: u64) {
    let mut lengths = LENGTHS.lock().unwrap_or_else(PoisonError::into_inner);
    if lengths.iter().any(|(known, _)| *known == etag) {
        return;
    }
    lengths.truncate(KEPT - 1);
    lengths.push_front((etag, length));
}
