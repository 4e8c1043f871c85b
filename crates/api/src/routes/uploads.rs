//! `POST /uploads/inspect`: preview of an upload. Stores nothing.

use api_types::{CellProblem, InspectedColumn, InspectedRow, InspectionView, SuggestionView};
use axum::Json;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::CanRead;
use crate::state::AppState;
use crate::upload::{InspectionForm, Look, LookedAtColumn, LookedAtRow, Parts, check_content_length, look};

/// Routes that take as long as their bytes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(inspect).layer(DefaultBodyLimit::disable()))
}

fn inspection_view(look: Look) -> InspectionView {
    InspectionView {
        encoding: look.encoding.map(|encoding| encoding.name().to_owned()),
        likely_encoding: look.likely_encoding.map(|encoding| encoding.name().to_lowercase()),
        delimiter: look.delimiter.map(str::to_owned),
        header_line: look.header_line,
        likely_header_line: look.likely_header_line,
        columns: (1..).zip(look.columns).map(inspected_column).collect(),
        rows: look.rows.into_iter().map(inspected_row).collect(),
        missing: look.missing.into_iter().map(|(action, columns)| (action.to_owned(), columns)).collect(),
        problems: look.problems,
        complete: look.is_complete,
    }
}

fn inspected_column((position, column): (usize, LookedAtColumn)) -> InspectedColumn {
    let LookedAtColumn { header, suggestion, fill_rate, samples } = column;
    let suggestion = suggestion.map(|(column, confidence)| SuggestionView { column, confidence });
    InspectedColumn { header, position, suggestion, fill_rate, samples }
}

fn inspected_row(row: LookedAtRow) -> InspectedRow {
    let LookedAtRow { row, line, cells, status, problems } = row;
    let problems = problems.into_iter().map(|(column, message)| CellProblem { column, message }).collect();
    InspectedRow { row, line, cells, status: status.to_owned(), problems }
}

/// Inspects a file before its upload: the whole file or its first 256 KiB or more, with any field of an upload. Nothing
/// is stored. The same code as in an upload applies the rules; problems of the file are part of the response.
#[utoipa::path(
    post,
    path = "/uploads/inspect",
    operation_id = "inspectUpload",
    tag = "bulk actions",
    request_body(content = InspectionForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The preview of the upload", body = Success<InspectionView>),
        (status = 400, description = "Fields break a rule; `error.details` names each"),
        (status = 408, description = "The body arrived too slowly"),
        (status = 415, description = "Not multipart/form-data, or the file is not a table"),
        (status = 429, description = "Too many inspections of this account in progress"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
async fn inspect(
    State(state): State<AppState>,
    CanRead(account): CanRead,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Success<InspectionView>>, ApiError> {
    let mut parts = Parts::new(&headers, body)?;
    check_content_length(&headers, state.config.upload.max_file_size_bytes)?;
    let _place = state.shares.inspections.take(&account).await?;
    let found = look(&mut parts, &account, &state.entities, &state.config.upload).await?;
    let message =
        if found.problems.is_empty() { "The file can be uploaded" } else { "The file would be refused" };
    Ok(success(message, inspection_view(found)))
}
