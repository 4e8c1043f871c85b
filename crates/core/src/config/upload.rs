//! What can be uploaded, limits of one upload, how it is cut into chunks, and what an account may have in all.

use std::path::PathBuf;

use super::reader::Reader;

const BYTES_PER_MB: u64 = 1024 * 1024;

/// What can be uploaded, limits of one upload, how it is cut into chunks, and what an account may have in all.
#[derive(Clone, Debug)]
pub struct UploadConfig {
    /// `MAX_FILE_SIZE_MB`: largest file, in MB of 1,048,576 bytes (here already in bytes). Default 1000.
    pub max_file_size_bytes: u64,
    /// `MAX_CSV_ROWS`: most data rows in a file. Default 10000000.
    pub max_rows: u64,
    /// `CHUNK_SIZE`: most rows per chunk; files below 32 times as many are cut into smaller ones. Default 10000: with 1000, a
    /// million updates cost 9.6 s of processor time beside PostgreSQL, with 5000 7.2 s, with 10000 5.6 s (2026-11-25).
    pub chunk_size: u32,
    /// `MAX_PARTITIONS`: most partitions that one action's rows are spread over. Default 8.
    pub max_partitions: u32,
    /// `ENTITIES_DIR`: directory with declarations of entities (`*.toml`) beside those that are compiled in. None by default.
    pub entities_dir: Option<PathBuf>,
    /// `MAX_OPEN_ACTIONS_PER_ACCOUNT`: unfinished actions that an account may have. Default: no limit.
    pub max_open_actions_per_account: Option<u64>,
    /// `MAX_STORED_MB_PER_ACCOUNT`: what the files, chunks and results of an account may take, in MB of 1,048,576 bytes (here
    /// already in bytes). Default: no limit.
    pub max_stored_bytes_per_account: Option<u64>,
}

impl UploadConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            max_file_size_bytes: reader.number("MAX_FILE_SIZE_MB", 1000, 1..=1_000_000) * BYTES_PER_MB,
            max_rows: reader.number("MAX_CSV_ROWS", 10_000_000, 1..=1_000_000_000),
            chunk_size: reader.number("CHUNK_SIZE", 10_000, 1..=100_000),
            max_partitions: reader.number("MAX_PARTITIONS", 8, 1..=256),
            entities_dir: reader.text("ENTITIES_DIR").map(PathBuf::from),
            max_open_actions_per_account: reader
                .optional_number("MAX_OPEN_ACTIONS_PER_ACCOUNT", 1..=1_000_000_000),
            max_stored_bytes_per_account: reader
                .optional_number("MAX_STORED_MB_PER_ACCOUNT", 1..=1_000_000_000_000)
                .map(|megabytes| megabytes * BYTES_PER_MB),
        }
    }
}
