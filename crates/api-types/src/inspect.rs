//! What an upload of a file would meet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Detail;

/// A file, looked at before it is uploaded; nothing is stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionView {
    /// The encoding that was given or found; null where the file cannot be read.
    #[schema(required, example = "UTF-8")]
    pub encoding: Option<String>,
    /// What a file that is not UTF-8 seems to be in: to be sent as `encoding` if that is right.
    #[schema(required, example = "windows-1252")]
    pub likely_encoding: Option<String>,
    /// The delimiter that was given or found.
    #[schema(required, example = ",")]
    pub delimiter: Option<String>,
    /// Line of the header, from 1.
    #[schema(required, example = 1)]
    pub header_line: Option<u64>,
    pub columns: Vec<InspectedColumn>,
    /// The first 20 rows.
    pub rows: Vec<InspectedRow>,
    /// For each action the entity's columns that it needs and the file lacks.
    pub missing: BTreeMap<String, Vec<String>>,
    /// What would refuse the file.
    pub problems: Vec<Detail>,
    /// The whole file was seen; otherwise all of this is about its start.
    pub complete: bool,
}

/// A column of the file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectedColumn {
    pub header: String,
    /// From 1, as in `mapping`'s `"#3"`.
    pub position: usize,
    /// The entity's column that it most likely is.
    #[schema(required)]
    pub suggestion: Option<SuggestionView>,
    /// Share of rows that have a value, from 0 to 1.
    pub fill_rate: f64,
    /// Some of its values.
    pub samples: Vec<String>,
}

/// What a column most likely is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SuggestionView {
    /// A column of the entity.
    pub column: String,
    /// From 0 to 1.
    pub confidence: f64,
}

/// A row of the file, with what an upload would say of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InspectedRow {
    /// The row's number in the file, from 1.
    pub row: u64,
    /// Its first line in the file, from 1.
    pub line: u64,
    pub cells: Vec<String>,
    /// `valid`, `invalid` or `malformed`, as the row itself goes; the database is not asked.
    #[schema(example = "valid")]
    pub status: String,
    pub problems: Vec<CellProblem>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CellProblem {
    /// The entity's column; null where the row as a whole is at fault.
    #[schema(required)]
    pub column: Option<String>,
    pub message: String,
}
