//! The partition of a row.

/// The partition of a row, chosen by its identity, so that rows for the same record keep their file order. A row
/// without an identity is refused and changes nothing, so it may go anywhere and is placed by its row number.
#[must_use]
pub fn partition_of(identity: Option<u128>, row: u64, partitions: u16) -> i16 {
    let partitions = u64::from(partitions.max(1));
    let place = match identity {
        // The upper half, because the hash set for deduplication uses the lower one.
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
