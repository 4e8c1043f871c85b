//! The keys seen so far in a file.

use std::collections::HashSet;

/// The identities seen so far, as 128-bit hashes: about 20 to 36 bytes per different key of any length, so ten million
/// different keys take about 290 MB. Only files with deduplication need this.
#[derive(Debug, Default)]
pub struct SeenKeys(HashSet<u128>);

impl SeenKeys {
    /// Records a key; returns false if it was seen before.
    pub fn first_time(&mut self, identity: u128) -> bool {
        self.0.insert(identity)
    }
}
