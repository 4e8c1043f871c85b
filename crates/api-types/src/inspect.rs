//! Preview of an upload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Detail;

/// Preview of an upload: how the file would be read, and the problems found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionView {
    /// Encoding, as given or detected; null if the file cannot be read.
    #[schema(required, example = "UTF-8")]
    pub encoding: Option<String>,
    /// Likely encoding of a file that is not UTF-8. Send it as `encoding` if it is right.
    #[schema(required, example = "windows-1252")]
    pub likely_encoding: Option<String>,
    /// Delimiter, as given or detected.
    #[schema(required, example = ",")]
    pub delimiter: Option<String>,
    /// Line of the header, from 1, as given or found; in the sheet of a workbook its row.
    #[schema(required, example = 1)]
    pub header_line: Option<u64>,
    /// Line on which the header seems to stand if it is another one. Send it as `headerLine` if it is right.
    #[serde(default)]
    #[schema(required, example = 3)]
    pub likely_header_line: Option<u64>,
    pub columns: Vec<InspectedColumn>,
    /// The first 20 rows.
    pub rows: Vec<InspectedRow>,
    /// For each action, the entity's required columns that the file does not have.
    pub missing: BTreeMap<String, Vec<String>>,
    /// Problems for which an upload would be rejected.
    pub problems: Vec<Detail>,
    /// True if the whole file was read; otherwise the response describes its start.
    pub complete: bool,
}

/// A column of the file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectedColumn {
    #[schema(example = "E-Mail")]
    pub header: String,
    /// Position from 1; a mapping may refer to it as `#1`.
    pub position: usize,
    /// Entity column that this column is, or probably is.
    #[schema(required)]
    pub suggestion: Option<SuggestionView>,
    /// Share of the rows that have a value in this column, from 0 to 1.
    #[schema(example = 0.98)]
    pub fill_rate: f64,
    /// Some values of the column.
    pub samples: Vec<String>,
}

/// Probable entity column.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SuggestionView {
    #[schema(example = "email")]
    pub column: String,
    /// From 0 to 1: 1 for the column's own name or a mapping, 0.95 for an alias, less for a similar name.
    #[schema(example = 0.95)]
    pub confidence: f64,
}

/// One of the first rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InspectedRow {
    /// Row number from 1; blank lines do not count.
    pub row: u64,
    /// Line of the file on which the row starts, from 1.
    pub line: u64,
    pub cells: Vec<String>,
    /// `valid`, `invalid` or `malformed`, judged by the row alone without the database.
    #[schema(example = "valid")]
    pub status: String,
    pub problems: Vec<CellProblem>,
}

/// A problem that would fail the row.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CellProblem {
    /// Column of the entity; null if the problem concerns the whole row.
    #[schema(required, example = "email")]
    pub column: Option<String>,
    #[schema(example = "must be a valid e-mail address")]
    pub message: String,
}
