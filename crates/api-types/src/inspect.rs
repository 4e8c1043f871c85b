//! What an upload of a file would meet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Detail, RowStatus};

/// A file, looked at before it is uploaded; nothing is stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionView {
    /// The encoding that the file is read in.
    #[schema(example = "UTF-8")]
    pub encoding: String,
    /// What stands between cells; null for a workbook.
    #[schema(required)]
    pub delimiter: Option<String>,
    /// The line of the header, from 1.
    pub header_line: u64,
    pub columns: Vec<InspectedColumn>,
    /// The first rows.
    pub rows: Vec<InspectedRow>,
    /// Columns that the file lacks, by the action type that needs them.
    pub missing: BTreeMap<String, Vec<String>>,
    /// Why an upload of the file would be refused.
    pub problems: Vec<Detail>,
    /// The whole file was looked at.
    pub complete: bool,
}

/// A column of the file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectedColumn {
    pub header: String,
    /// From 1, as in `mapping`'s `"#3"`.
    pub position: u64,
    /// The entity's column that it most likely is.
    #[schema(required)]
    pub suggestion: Option<Suggestion>,
    /// Share of rows that have a value, from 0 to 1.
    pub fill_rate: f64,
    /// Some of its values.
    pub samples: Vec<String>,
}

/// What a column most likely is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
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
    pub status: RowStatus,
    pub problems: Vec<InspectedProblem>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InspectedProblem {
    /// The entity's column; null where the row as a whole is at fault.
    #[schema(required)]
    pub column: Option<String>,
    pub message: String,
}
