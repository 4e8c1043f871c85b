//! Which keys of a file have been seen.

use std::collections::HashSet;

/// The identities seen so far, as 128-bit hashes: about 20 to 36 bytes per different key, whatever its length, so ten
/// million different keys take some 290 MB. Only files that ask for deduplication pay this.
#[derive(Debug, Default)]
pub struct SeenKeys(HashSet<u128>);

impl SeenKeys {
    /// Notes a key; false if it was seen before.
    pub fn first_time(&mut self, identity: u128) -> bool {
        self.0.insert(identity)
    }
}
