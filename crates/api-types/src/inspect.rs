//! What an upload of a file would meet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Detail;

/// What an upload of the file would meet.
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
    #[schema(example = "E-Mail")]
    pub header: String,
    /// From 1; a mapping may name it `#1`.
    pub position: usize,
    /// The entity's column that it stands for, or probably does.
    #[schema(required)]
    pub suggestion: Option<SuggestionView>,
    /// How many of the rows have a value in it, from 0 to 1.
    #[schema(example = 0.98)]
    pub fill_rate: f64,
    /// Some of its values.
    pub samples: Vec<String>,
}

/// What a column probably stands for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SuggestionView {
    #[schema(example = "email")]
    pub column: String,
    /// From 0 to 1: 1 for its own name or a mapping, 0.95 for an alias, less for a name that is like one of them.
    #[schema(example = 0.95)]
    pub confidence: f64,
}

/// One of the first rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InspectedRow {
    /// From 1; blank lines are not counted.
    pub row: u64,
    /// Line of the file on which it begins, from 1.
    pub line: u64,
    pub cells: Vec<String>,
    /// `valid`, `invalid` or `malformed`, as the row itself goes; the database is not asked.
    #[schema(example = "valid")]
    pub status: String,
    pub problems: Vec<CellProblem>,
}

/// Something that would fail a row.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CellProblem {
    /// The entity's column; null where it is the row as a whole.
    #[schema(required, example = "email")]
    pub column: Option<String>,
    #[schema(example = "must be a valid e-mail address")]
    pub message: String,
}
