//! How far an action's rows are spread.

use bulk_core::config::UploadConfig;
use bulk_core::entity::HeaderRules;

/// Chunks that a partition should have at least. Fewer would make many short partitions, whose last chunks are small and
/// whose rows no worker could take in large sets.
const CHUNKS_PER_PARTITION: u64 = 4;

/// Partitions for an action of `row_count` rows: more for larger files, up to `MAX_PARTITIONS`. One where rows may name
/// the same record in two ways, since then only one after another keeps the file's order.
pub(crate) fn partition_count(row_count: u64, rules: &HeaderRules, config: &UploadConfig) -> i16 {
    if rules.two_identities {
        return 1;
    }
    let rows_per_partition = CHUNKS_PER_PARTITION * u64::from(config.chunk_size);
    let wanted = row_count.div_ceil(rows_per_partition);
    i16::try_from(wanted.clamp(1, u64::from(config.max_partitions))).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: UploadConfig =
        UploadConfig { max_file_size_bytes: 0, max_rows: 0, chunk_size: 1000, max_partitions: 8 };

    #[test]
    fn partitions_grow_with_the_file_up_to_the_limit() {
        let by_key = HeaderRules { two_identities: false };
        for (rows, partitions) in [(1, 1), (4000, 1), (4001, 2), (20_000, 5), (32_000, 8), (10_000_000, 8)] {
            assert_eq!(partition_count(rows, &by_key, &CONFIG), partitions, "{rows}");
        }
    }

    #[test]
    fn two_ways_to_name_a_record_need_one_order() {
        assert_eq!(partition_count(1_000_000, &HeaderRules { two_identities: true }, &CONFIG), 1);
    }
}
