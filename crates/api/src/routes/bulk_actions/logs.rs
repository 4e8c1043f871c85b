//! `GET /bulk-actions/{id}/logs`: the outcomes of the rows, page by page.

use api_types::{CursorInfo, CursorText, LogEntry};
use axum::Json;
use axum::extract::State;
use bulk_core::chunk::{RowCode, RowStatus};

use crate::envelope::{self, Page};
use crate::error::ApiError;
use crate::extract::{Checked, FromQuery, OwnedAction, QueryReader};
use crate::results::{Cursor, LogPage, RowFilter, read_page};
use crate::retention::require_results;
use crate::state::AppState;

const DEFAULT_LIMIT: i64 = 100;
const MAX_LIMIT: i64 = 1000;
/// Most characters of a text that is looked for.
const MAX_TEXT_CHARS: usize = 200;

/// Rows to return.
pub(super) struct LogsQuery {
    filter: RowFilter,
    with_values: bool,
    limit: usize,
    cursor: Cursor,
}

impl FromQuery for LogsQuery {
    fn from_query(query: &mut QueryReader) -> Self {
        let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
        let not_ours = || "must be a nextCursor of an earlier answer".to_owned();
        Self {
            filter: RowFilter {
                status: query.choice("status", &RowStatus::ALL.map(RowStatus::as_str), RowStatus::parse),
                code: query.choice("code", &RowCode::ALL.map(RowCode::as_str), RowCode::parse),
                text: query.parsed("q", lowered, || format!("must have 1 to {MAX_TEXT_CHARS} characters")),
            },
            with_values: query.boolean("values", false),
            limit: usize::try_from(limit).unwrap_or_default(),
            cursor: query.parsed("cursor", Cursor::parse, not_ours).unwrap_or_default(),
        }
    }
}

fn lowered(text: &str) -> Option<String> {
    (1..=MAX_TEXT_CHARS).contains(&text.chars().count()).then(|| text.to_lowercase())
}

/// Lists the outcomes of the rows, page by page. A page may be shorter than `limit`, or empty, and still have a next one: a search
/// covers a bounded number of rows at a time, and a page with uploaded values ends after about a megabyte.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/logs",
    operation_id = "getBulkActionLogs",
    tag = "bulk actions",
    params(
        ("id" = Uuid, Path, description = "The action's id"),
        ("status" = Option<api_types::RowStatus>, Query, description = "Only rows that went like this"),
        ("code" = Option<api_types::RowCode>, Query, description = "Only rows with this code"),
        ("q" = Option<String>, Query, min_length = 1, max_length = 200, description = "Only rows with this text in their message or an uploaded value, in any case"),
        ("values" = Option<bool>, Query, description = "With the uploaded values of each row (default false)"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "Most rows of a page (default 100)"),
        ("cursor" = Option<CursorText>, Query, description = "`pagination.nextCursor` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = Page<LogEntry, CursorInfo>),
        (status = 410, description = "The results have been removed (`results.expiresAt`)"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn logs(
    State(state): State<AppState>,
    OwnedAction(action): OwnedAction,
    Checked(query): Checked<LogsQuery>,
) -> Result<Json<Page<LogEntry, CursorInfo>>, ApiError> {
    let LogsQuery { filter, with_values, limit, cursor } = query;
    require_results(&action, &state.config.retention)?;
    let _place = state.shares.pages.take(&action.account_id).await?;
    let LogPage { entries, next, .. } =
        read_page(&state, &action, &filter, with_values, limit, cursor).await?;
    Ok(envelope::page("Row outcomes", entries, CursorInfo { limit, next_cursor: next.map(Cursor::encode) }))
}
