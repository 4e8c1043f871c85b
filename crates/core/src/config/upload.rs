//! Upload settings: entities, limits of an upload, chunk size, and quotas of an account.

use std::path::PathBuf;

use super::reader::Reader;

const BYTES_PER_MB: u64 = 1024 * 1024;

/// Upload settings: entities, limits of an upload, chunk size, and quotas of an account.
#[derive(Clone, Debug)]
pub struct UploadConfig {
    /// `MAX_FILE_SIZE_MB`: largest file, in MB of 1,048,576 bytes (stored here in bytes). Default 1000.
    pub max_file_size_bytes: u64,
    /// `MAX_CSV_ROWS`: most data rows in a file. Default 10000000.
    pub max_rows: u64,
    /// `CHUNK_SIZE`: most rows per chunk; files with fewer than 32 times as many rows get smaller chunks. Default
    /// 10000: with 1000, a million updates cost 9.6 s of processor time beside PostgreSQL, with 5000 7.2 s, with 10000
    /// 5.6 s (2026-11-25).
    pub chunk_size: u32,
    /// `MAX_PARTITIONS`: most partitions of one action. Default 8.
    pub max_partitions: u32,
    /// `ENTITIES_DIR`: directory with entity declarations (`*.toml`) in addition to the built-in ones. Default: none.
    pub entities_dir: Option<PathBuf>,
    /// `MAX_OPEN_ACTIONS_PER_ACCOUNT`: most unfinished actions of an account. Default: no limit.
    pub max_open_actions_per_account: Option<u64>,
    /// `MAX_STORED_MB_PER_ACCOUNT`: most bytes of files, chunks and results of an account, in MB of 1,048,576 bytes
    /// (stored here in bytes). Default: no limit.
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
