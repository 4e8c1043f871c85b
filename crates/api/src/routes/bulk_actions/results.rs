//! `GET /bulk-actions/{id}/results`: all rows with their outcomes, as a CSV download.

use std::borrow::Cow;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bulk_core::chunk::RowStatus;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::ApiError;
use crate::extract::{Checked, FromQuery, OwnedAction, QueryReader};
use crate::results::{Download, Requested, Selection, requested};
use crate::retention::{require_file, require_results};
use crate::share::HeldPlace;
use crate::state::AppState;

/// Value of `status` for rows that a cancelled or failed action never reached.
const UNPROCESSED: &str = "unprocessed";

/// Header that is true if the rows have their final outcomes.
const COMPLETE: HeaderName = HeaderName::from_static("x-results-complete");

/// Rows of a download to include, for the OpenAPI document.
pub(crate) enum ResultStatusName {}

impl PartialSchema for ResultStatusName {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        schema
            .description(Some("How a row went, or that it was never reached."))
            .enum_values(Some(selectable()))
            .into()
    }
}

impl ToSchema for ResultStatusName {
    fn name() -> Cow<'static, str> {
        "ResultStatus".into()
    }
}

/// Values of `status`.
fn selectable() -> Vec<&'static str> {
    RowStatus::ALL.iter().map(|status| status.as_str()).chain([UNPROCESSED]).collect()
}

/// Rows and format of a download.
pub(super) struct ResultsQuery {
    selection: Selection,
    spreadsheet_safe: bool,
}

impl FromQuery for ResultsQuery {
    fn from_query(query: &mut QueryReader) -> Self {
        let selection = query.choice("status", &selectable(), |name| match name {
            UNPROCESSED => Some(Selection::Unprocessed),
            name => RowStatus::parse(name).map(Selection::Only),
        });
        Self {
            selection: selection.unwrap_or(Selection::Processed),
            spreadsheet_safe: query.boolean("spreadsheetSafe", false),
        }
    }
}

/// Downloads every row with its outcome as CSV: `_row`, `_status`, `_reason`, `_id` and the uploaded columns. While the
/// action runs, the rows come in commit order; once it is finished, in file order, and `Range` requests a part.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/results",
    operation_id = "getBulkActionResults",
    tag = "bulk actions",
    params(
        ("id" = Uuid, Path, description = "The action's id"),
        ("status" = Option<ResultStatusName>, Query, description = "Only rows that went like this"),
        ("spreadsheetSafe" = Option<bool>, Query, description = "For a spreadsheet: disarms values that it would run as a formula, begins with a byte order mark, and separates cells as the uploaded file does. An upload of it means the same as before"),
        ("Range" = Option<String>, Header, description = "One part of the results of an action that is over, such as `bytes=1000-`"),
        ("If-Range" = Option<String>, Header, description = "The ETag of the download that the part is to continue; with another, all is sent"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of a download that the client has"),
    ),
    responses(
        (
            status = 200,
            description = "The rows, as they come",
            content_type = "text/csv",
            body = String,
            headers(
                ("Content-Disposition" = String, description = "A name for the file"),
                ("X-Results-Complete" = bool, description = "Every row has the outcome that it will have, and the rows are in file order"),
                ("ETag" = String, description = "Names the bytes, once the action is over"),
                ("Accept-Ranges" = String, description = "`bytes`, once the action is over"),
            ),
            example = "_row,_status,_reason,_id,email,name\n1,success,created,0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11,ada@example.com,Ada\n",
        ),
        (
            status = 206,
            description = "The part that `Range` names",
            content_type = "text/csv",
            body = String,
            headers(("Content-Range" = String, description = "Which bytes of how many")),
        ),
        (status = 304, description = "The client has these bytes"),
        (
            status = 410,
            description = "The results, or for `unprocessed` the uploaded file, have been removed (`results.expiresAt`, \
                `file.expiresAt`)",
        ),
        (
            status = 416,
            description = "The results end before the part that `Range` names",
            headers(("Content-Range" = String, description = "How many bytes there are")),
        ),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn results(
    State(state): State<AppState>,
    OwnedAction(action): OwnedAction,
    Checked(query): Checked<ResultsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let kept = &state.config.retention;
    require_results(&action, kept)?;
    if query.selection == Selection::Unprocessed {
        require_file(&action, kept)?;
    }
    let place = state.shares.downloads.take(&action.account_id).await?;
    let disposition = format!("attachment; filename=\"{}-results.csv\"", action.id);
    let download = Download::open(state, action, query.selection, query.spreadsheet_safe).await?;
    let complete = HeaderValue::from_static(if download.is_complete() { "true" } else { "false" });
    let etag = download.etag();
    let mut response = match &etag {
        Some(etag) => settled(download, etag, &headers, place).await?,
        None => download.into_body(None, place).into_response(),
    };
    let answered = response.headers_mut();
    answered.insert(COMPLETE, complete);
    if response.status().is_success() {
        let answered = response.headers_mut();
        answered.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        answered.insert(header::CONTENT_DISPOSITION, header_value(&disposition)?);
    }
    Ok(response)
}

/// Response for a finished action, whose bytes no longer change.
async fn settled(
    download: Download,
    etag: &str,
    headers: &HeaderMap,
    place: HeldPlace,
) -> Result<Response, ApiError> {
    let mut response = if has(headers, etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if let Requested::Part(part) = requested(headers, etag) {
        let length = download.length().await?;
        match part.of(length) {
            Some(bytes) => {
                let range = format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1);
                let size = (bytes.end - bytes.start).to_string();
                let sent = [(header::CONTENT_RANGE, range), (header::CONTENT_LENGTH, size)];
                (StatusCode::PARTIAL_CONTENT, sent, download.into_body(Some(bytes), place)).into_response()
            }
            None => {
                let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
                (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response()
            }
        }
    } else {
        download.into_body(None, place).into_response()
    };
    response.headers_mut().insert(header::ETAG, header_value(etag)?);
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

/// True if the client already has the bytes with this `etag`.
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let listed = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = listed.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn header_value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(ApiError::internal)
}
