//! `GET /bulk-actions/{id}/results`: every row with its outcome, as a CSV download.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::chunk::RowStatus;

use crate::error::ApiError;
use crate::extract::{Checked, FromQuery, OwnedAction, QueryReader};
use crate::openapi::ResultStatusName;
use crate::results::{Download, Selection};
use crate::retention::{require_file, require_results};
use crate::state::AppState;

/// What `status` calls the rows that a cancelled or failed action never reached.
pub(crate) const UNPROCESSED: &str = "unprocessed";

/// Which rows, and how.
pub(super) struct ResultsQuery {
    selection: Selection,
    spreadsheet_safe: bool,
}

impl FromQuery for ResultsQuery {
    fn from_query(query: &mut QueryReader) -> Self {
        let mut names = RowStatus::ALL.map(RowStatus::as_str).to_vec();
        names.push(UNPROCESSED);
        let selection = query.choice("status", &names, |name| match name {
            UNPROCESSED => Some(Selection::Unprocessed),
            name => RowStatus::parse(name).map(Selection::Only),
        });
        Self {
            selection: selection.unwrap_or(Selection::Processed),
            spreadsheet_safe: query.boolean("spreadsheetSafe", false),
        }
    }
}

/// Every row with its outcome, as a CSV download: `_row`, `_status`, `_reason`, `_id` and the uploaded columns.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/results",
    operation_id = "getBulkActionResults",
    tag = "bulk actions",
    params(
        ("id" = Uuid, Path, description = "The action's id"),
        ("status" = Option<ResultStatusName>, Query, description = "Only rows that went like this"),
        ("spreadsheetSafe" = Option<bool>, Query, description = "Disarms values that a spreadsheet would run as a formula"),
    ),
    responses(
        (
            status = 200,
            description = "The rows, as they come",
            content_type = "text/csv",
            body = String,
            headers(("Content-Disposition" = String, description = "A name for the file")),
            example = "_row,_status,_reason,_id,email,name\n1,success,created,0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11,ada@example.com,Ada\n",
        ),
        (
            status = 410,
            description = "The results, or for `unprocessed` the uploaded file, have been removed (`results.expiresAt`, \
                `file.expiresAt`)",
        ),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn results(
    State(state): State<AppState>,
    OwnedAction(action): OwnedAction,
    Checked(query): Checked<ResultsQuery>,
) -> Result<Response, ApiError> {
    let kept = &state.config.retention;
    require_results(&action, kept)?;
    if query.selection == Selection::Unprocessed {
        require_file(&action, kept)?;
    }
    let place = state.shares.downloads.take(&action.account_id).await?;
    let disposition = format!("attachment; filename=\"{}-results.csv\"", action.id);
    let download = Download::open(state, action, query.selection, query.spreadsheet_safe).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, download.into_body(place)).into_response())
}
