//! Division of an action's rows into chunks and partitions. Decided once, at upload, and stored with the action, so
//! that every run of a chunker produces the same chunks.

use bulk_core::config::UploadConfig;
use bulk_core::entity::HeaderRules;

/// Number of chunks of a file whose chunks stay above [`SMALLEST_CHUNK_ROWS`]: enough for visible progress and for
/// several workers.
const CHUNKS_PER_FILE: u64 = 32;
/// Smallest useful chunk: below it the cost of the chunk itself outweighs the advantage. Beside PostgreSQL a chunk
/// costs about 4 ms of processor time and its rows 5 µs each (a million updates in chunks of 1,000: 9.6 s, of 10,000:
/// 5.6 s; 2026-11-25).
const SMALLEST_CHUNK_ROWS: u64 = 2500;

/// Division of an action's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Rows per chunk.
    pub(super) chunk_size: i32,
    /// Partitions.
    pub(super) partitions: i16,
}

/// Larger chunks and more partitions for larger files, up to `CHUNK_SIZE` and `MAX_PARTITIONS`. A single partition if
/// rows may identify the same record in two ways, since only sequential processing keeps the file order then.
pub(super) fn cut(row_count: u64, rules: &HeaderRules, config: &UploadConfig) -> Cut {
    let most = u64::from(config.chunk_size);
    let rows_per_chunk = row_count.div_ceil(CHUNKS_PER_FILE).max(SMALLEST_CHUNK_ROWS).min(most);
    let most_partitions = if rules.two_identities { 1 } else { u64::from(config.max_partitions) };
    let partitions = (row_count / rows_per_chunk).clamp(1, most_partitions);
    let rows = row_count.div_ceil(partitions);
    let chunks = rows.div_ceil(rows_per_chunk);
    let chunk_size = (rows + deviation(rows, partitions)).div_ceil(chunks).min(most);
    Cut {
        chunk_size: i32::try_from(chunk_size).unwrap_or(i32::MAX),
        partitions: i16::try_from(partitions).unwrap_or(i16::MAX),
    }
}

/// Tolerance above the average size of a partition, so that the surplus does not become a small chunk of its own: four
/// standard deviations of a hash distribution.
fn deviation(rows: u64, partitions: u64) -> u64 {
    if partitions == 1 { 0 } else { 4 * rows.isqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_KEY: HeaderRules = HeaderRules { two_identities: false };

    fn config(chunk_size: u32) -> UploadConfig {
        UploadConfig {
            max_file_size_bytes: 0,
            max_rows: 0,
            chunk_size,
            max_partitions: 8,
            entities_dir: None,
            max_open_actions_per_account: None,
            max_stored_bytes_per_account: None,
        }
    }

    #[test]
    fn chunks_and_partitions_grow_with_the_file_up_to_the_limits() {
        for (rows, chunk_size, partitions) in [
            (1, 1, 1),
            (2500, 2500, 1),
            (4999, 2500, 1),
            (5000, 2700, 2),
            (10_000, 2700, 4),
            (100_000, 3236, 8),
            (1_000_000, 9724, 8),
            (10_000_000, 10_000, 8),
        ] {
            assert_eq!(cut(rows, &BY_KEY, &config(10_000)), Cut { chunk_size, partitions }, "{rows}");
        }
    }

    #[test]
    fn a_chunk_has_no_more_rows_than_the_setting_allows() {
        assert_eq!(cut(1000, &BY_KEY, &config(50)), Cut { chunk_size: 50, partitions: 8 });
    }

    #[test]
    fn two_ways_to_name_a_record_need_one_order() {
        assert_eq!(cut(1_000_000, &HeaderRules { two_identities: true }, &config(10_000)).partitions, 1);
    }
}
