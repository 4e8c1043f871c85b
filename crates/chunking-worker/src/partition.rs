//! Which partition a row belongs to.

/// The partition of a row: by what names its record, so that rows for the same record keep their file order; by row
/// number where the row names none (it changes nothing, so its order does not matter).
#[must_use]
pub fn partition_of(identity: Option<u128>, row: u64, partitions: u16) -> i16 {
    let partitions = u64::from(partitions.max(1));
    let place = match identity {
        // The upper half: the hash set of the deduplication uses the lower.
        Some(identity) => (identity >> 64) as u64 % partitions,
        None => row % partitions,
    };
    i16::try_from(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_identities_share_a_partition_and_every_partition_is_used() {
        let spread: std::collections::BTreeSet<i16> =
            (0..1000_u128).map(|key| partition_of(Some(key << 64), 0, 8)).collect();
        assert_eq!(spread, (0..8).collect());
        assert_eq!(partition_of(Some(77 << 64), 1, 8), partition_of(Some(77 << 64), 2, 8));
    }

    #[test]
    fn one_partition_takes_everything() {
        assert_eq!(partition_of(Some(u128::MAX), 5, 1), 0);
        assert_eq!(partition_of(None, 5, 1), 0);
    }
}
