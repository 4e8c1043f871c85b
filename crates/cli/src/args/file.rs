//! The options that go with a file.

use std::path::PathBuf;

use api_types::{ActionType, OnConflict};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};

use super::{Waiting, values};

/// A file, and the options for reading it.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("action").args(["create", "update", "upsert", "delete"]))]
pub(crate) struct FileArgs {
    /// CSV, the same gzipped, or .xlsx; `-` is standard input
    pub file: PathBuf,
    /// What the rows are; `bulk entities` lists what there is
    #[arg(short, long, value_name = "ENTITY")]
    pub entity: String,
    /// Insert new records (default)
    #[arg(long)]
    pub create: bool,
    /// Change records that exist
    #[arg(long)]
    pub update: bool,
    /// Change records that exist, insert the others
    #[arg(long)]
    pub upsert: bool,
    /// Remove records
    #[arg(long)]
    pub delete: bool,
    /// A column of the file is this column of the entity
    #[arg(long, value_name = "HEADER=COLUMN", value_parser = values::map)]
    pub map: Vec<(String, String)>,
    /// Many of them: a JSON object, header to column, or to null to leave it out
    #[arg(long, value_name = "FILE")]
    pub map_file: Option<PathBuf>,
    /// Leave a column of the file out
    #[arg(long, value_name = "HEADER")]
    pub ignore: Vec<String>,
    /// Leave out all columns that are unknown
    #[arg(long)]
    pub ignore_unknown: bool,
    /// A value for every row, for a column that the file does not have
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = values::default)]
    pub default: Vec<(String, String)>,
    /// Skip rows whose key was seen before in the file
    #[arg(long)]
    pub deduplicate: bool,
    /// What --create does with a record that exists: skip, error, update
    #[arg(long, value_name = "WHAT", value_parser = values::on_conflict)]
    pub on_conflict: Option<OnConflict>,
    /// An empty cell keeps the stored value, or clears it
    #[arg(long, value_name = "keep|clear", value_parser = ["keep", "clear"])]
    pub empty_cells: Option<String>,
    /// A row with missing last cells fails, or is filled up
    #[arg(long, value_name = "fail|fill", value_parser = ["fail", "fill"])]
    pub short_rows: Option<String>,
    /// Of a file that is not UTF-8, such as windows-1252
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
    /// Between cells, where it is not found out: , ; | or tab
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// Line on which the columns are named, where titles stand above it; of a sheet its row
    #[arg(long, value_name = "N")]
    pub header_line: Option<u64>,
    /// Of dates and times without one, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// How numbers are written: 1.5 (point) or 1,5 (comma)
    #[arg(long, value_name = "point|comma", value_parser = ["point", "comma"])]
    pub decimal: Option<String>,
    /// Of a workbook: the sheet's name
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
}

/// The options of an import.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub file: FileArgs,
    /// Give every row its outcome, change no record
    #[arg(long)]
    pub dry_run: bool,
    /// Begin at this time, such as 2026-01-31T12:00:00Z; the command does not wait for it
    #[arg(long, value_name = "TIME")]
    pub at: Option<DateTime<Utc>>,
    /// Do not wait for the end
    #[arg(long)]
    pub detach: bool,
    /// A second action, where the same file with the same options was imported before
    #[arg(long)]
    pub force: bool,
    /// Two imports with the same key are one, instead of two with the same file and options
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
    /// The operation applied to each row.
    pub(crate) fn action_type(&self) -> ActionType {
        match (self.update, self.upsert, self.delete) {
            (true, ..) => ActionType::Update,
            (_, true, _) => ActionType::Upsert,
            (.., true) => ActionType::Delete,
            _ => ActionType::Create,
        }
    }
}
