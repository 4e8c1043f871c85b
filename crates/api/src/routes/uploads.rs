//! `POST /uploads/inspect`: a look at a file before it is uploaded. Stores nothing.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::envelope::{Detail, Success};
use crate::error::ApiError;
use crate::extract::CanRead;
use crate::state::AppState;
use crate::upload::{Look, LookedAtColumn, LookedAtRow, Parts, check_content_length, look};

/// The routes that take as long as their bytes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(inspect).layer(DefaultBodyLimit::disable()))
}

/// What an upload of the file would meet.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InspectionView {
    /// The encoding that was given or found; null where the file cannot be read.
    #[schema(required, example = "UTF-8")]
    encoding: Option<&'static str>,
    /// What a file that is not UTF-8 seems to be in: to be sent as `encoding` if that is right.
    #[schema(required, example = "windows-1252")]
    likely_encoding: Option<String>,
    /// The delimiter that was given or found.
    #[schema(required, example = ",")]
    delimiter: Option<&'static str>,
    /// Line of the header, from 1.
    #[schema(required, example = 1)]
    header_line: Option<u64>,
    columns: Vec<InspectedColumn>,
    /// The first 20 rows.
    rows: Vec<InspectedRow>,
    /// For each action the entity's columns that it needs and the file lacks.
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    missing: BTreeMap<&'static str, Vec<String>>,
    /// What would refuse the file.
    problems: Vec<Detail>,
    /// The whole file was seen; otherwise all of this is about its start.
    complete: bool,
}

/// A column of the file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InspectedColumn {
    #[schema(example = "E-Mail")]
    header: String,
    /// From 1; a mapping may name it `#1`.
    position: usize,
    /// The entity's column that it stands for, or probably does.
    #[schema(required)]
    suggestion: Option<SuggestionView>,
    /// How many of the rows have a value in it, from 0 to 1.
    #[schema(example = 0.98)]
    fill_rate: f64,
    /// Some of its values.
    samples: Vec<String>,
}

/// What a column probably stands for.
#[derive(Serialize, ToSchema)]
struct SuggestionView {
    #[schema(example = "email")]
    column: String,
    /// From 0 to 1: 1 for its own name or a mapping, 0.95 for an alias, less for a name that is like one of them.
    #[schema(example = 0.95)]
    confidence: f64,
}

/// One of the first rows.
#[derive(Serialize, ToSchema)]
struct InspectedRow {
    /// From 1; blank lines are not counted.
    row: u64,
    /// Line of the file on which it begins, from 1.
    line: u64,
    cells: Vec<String>,
    /// `valid`, `invalid` or `malformed`, as the row itself goes; the database is not asked.
    #[schema(example = "valid")]
    status: &'static str,
    problems: Vec<CellProblem>,
}

/// Something that would fail a row.
#[derive(Serialize, ToSchema)]
struct CellProblem {
    /// The entity's column; null where it is the row as a whole.
    #[schema(required, example = "email")]
    column: Option<String>,
    #[schema(example = "must be a valid e-mail address")]
    message: String,
}

impl From<Look> for InspectionView {
    fn from(look: Look) -> Self {
        Self {
            encoding: look.encoding,
            likely_encoding: look.likely_encoding.map(str::to_lowercase),
            delimiter: look.delimiter,
            header_line: look.header_line,
            columns: (1..).zip(look.columns).map(InspectedColumn::of).collect(),
            rows: look.rows.into_iter().map(InspectedRow::from).collect(),
            missing: look.missing,
            problems: look.problems,
            complete: look.is_complete,
        }
    }
}

impl InspectedColumn {
    fn of((position, column): (usize, LookedAtColumn)) -> Self {
        let LookedAtColumn { header, suggestion, fill_rate, samples } = column;
        let suggestion = suggestion.map(|(column, confidence)| SuggestionView { column, confidence });
        Self { header, position, suggestion, fill_rate, samples }
    }
}

impl From<LookedAtRow> for InspectedRow {
    fn from(row: LookedAtRow) -> Self {
        let LookedAtRow { row, line, cells, status, problems } = row;
        let problems =
            problems.into_iter().map(|(column, message)| CellProblem { column, message }).collect();
        Self { row, line, cells, status, problems }
    }
}

/// Looks at a file before it is uploaded: the whole of it, or its first 256 KiB or more, with any field of an upload.
/// Nothing is stored. The rules are those of the upload, by the same code; what is wrong with the file is in the answer.
#[utoipa::path(
    post,
    path = "/uploads/inspect",
    operation_id = "inspectUpload",
    tag = "bulk actions",
    responses(
        (status = 200, description = "What an upload would meet", body = Success<InspectionView>),
        (status = 400, description = "Fields break a rule; `error.details` names each"),
        (status = 408, description = "The body came too slowly"),
        (status = 415, description = "Not multipart/form-data, or the file is no table"),
        (status = 429, description = "Too many inspections of this account in progress"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
async fn inspect(
    State(state): State<AppState>,
    CanRead(account): CanRead,
    headers: HeaderMap,
    body: Body,
) -> Result<Success<InspectionView>, ApiError> {
    let mut parts = Parts::new(&headers, body)?;
    check_content_length(&headers, state.config.upload.max_file_size_bytes)?;
    let _place = state.shares.inspections.take(&account).await?;
    let found = look(&mut parts, &account, &state.entities, &state.config.upload).await?;
    let message =
        if found.problems.is_empty() { "The file can be uploaded" } else { "The file would be refused" };
    Ok(Success::new(message, found.into()))
}
