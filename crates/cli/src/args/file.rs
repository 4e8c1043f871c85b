//! The options that go with a file.

use std::path::PathBuf;

use api_types::{ActionType, OnConflict};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};

use super::{Waiting, values};

/// The file, and how it is read.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("action").args(["create", "update", "upsert", "delete"]))]
pub(crate) struct FileArgs {
    /// CSV (also gzipped) or .xlsx file; `-` for standard input
    pub file: PathBuf,
    /// Entity of the rows; `bulk entities` lists all
    #[arg(short, long, value_name = "ENTITY")]
    pub entity: String,
    /// Create records (default)
    #[arg(long)]
    pub create: bool,
    /// Update existing records
    #[arg(long)]
    pub update: bool,
    /// Update existing records, create the others
    #[arg(long)]
    pub upsert: bool,
    /// Delete records
    #[arg(long)]
    pub delete: bool,
    /// Map a column of the file to a column of the entity
    #[arg(long, value_name = "HEADER=COLUMN", value_parser = values::map)]
    pub map: Vec<(String, String)>,
    /// Mappings as a JSON object: header to column, or to null to ignore it
    #[arg(long, value_name = "FILE")]
    pub map_file: Option<PathBuf>,
    /// Ignore a column of the file
    #[arg(long, value_name = "HEADER")]
    pub ignore: Vec<String>,
    /// Ignore all unknown columns
    #[arg(long)]
    pub ignore_unknown: bool,
    /// Value of every row, for a column that the file lacks
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = values::default)]
    pub default: Vec<(String, String)>,
    /// Skip rows whose key has occurred before in the file
    #[arg(long)]
    pub deduplicate: bool,
    /// What --create does with an existing record: skip, error, update
    #[arg(long, value_name = "WHAT", value_parser = values::on_conflict)]
    pub on_conflict: Option<OnConflict>,
    /// Whether an empty cell keeps or clears the stored value
    #[arg(long, value_name = "keep|clear", value_parser = ["keep", "clear"])]
    pub empty_cells: Option<String>,
    /// Whether a row with too few cells fails or is filled with empty cells
    #[arg(long, value_name = "fail|fill", value_parser = ["fail", "fill"])]
    pub short_rows: Option<String>,
    /// Encoding of a file that is not UTF-8, such as windows-1252
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
    /// Delimiter, if detection fails: , ; | or tab
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// Line (of a sheet: row) of the header, if there are titles above it
    #[arg(long, value_name = "N")]
    pub header_line: Option<u64>,
    /// Time zone of times without one, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Decimal mark of numbers: 1.5 (point) or 1,5 (comma)
    #[arg(long, value_name = "point|comma", value_parser = ["point", "comma"])]
    pub decimal: Option<String>,
    /// Sheet of a workbook, by name
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
}

/// The options of an import.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub file: FileArgs,
    /// Report the outcome of every row, change no record
    #[arg(long)]
    pub dry_run: bool,
    /// Start at this time, such as 2026-01-31T12:00:00Z; the command does not wait
    #[arg(long, value_name = "TIME")]
    pub at: Option<DateTime<Utc>>,
    /// Do not wait for the end
    #[arg(long)]
    pub detach: bool,
    /// Import again, even if the same file with the same options was imported before
    #[arg(long)]
    pub force: bool,
    /// Idempotency key: imports with the same key are one (default: file and options)
    #[arg(long, value_name = "KEY", conflicts_with = "force")]
    pub key: Option<String>,
    #[command(flatten)]
    pub waiting: Waiting,
}

/// The options of a check.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub file: FileArgs,
}

impl FileArgs {
    /// Action on each row.
    pub(crate) fn action_type(&self) -> ActionType {
        match (self.update, self.upsert, self.delete) {
            (true, ..) => ActionType::Update,
            (_, true, _) => ActionType::Upsert,
            (.., true) => ActionType::Delete,
            _ => ActionType::Create,
        }
    }
}
