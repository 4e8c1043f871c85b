//! `GET /bulk-actions/{id}/logs`: the outcomes of the rows, page by page.

use api_types::{CursorInfo, CursorText, LogEntry};
use axum::Json;
use axum::extract::State;
use bulk_core::chunk::RowStatus;

use crate::envelope::{self, Page};
use crate::error::ApiError;
use crate::extract::{Checked, FromQuery, OwnedAction, QueryReader};
use crate::results::{Cursor, LogPage, read_page};
use crate::retention::require_results;
use crate::state::AppState;

const DEFAULT_LIMIT: i64 = 100;
const MAX_LIMIT: i64 = 1000;

/// Rows to return.
pub(super) struct LogsQuery {
    status: Option<RowStatus>,
    limit: usize,
    cursor: Cursor,
}

impl FromQuery for LogsQuery {
    fn from_query(query: &mut QueryReader) -> Self {
        let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
        let not_ours = || "must be a nextCursor of an earlier answer".to_owned();
        Self {
            status: query.choice("status", &RowStatus::ALL.map(RowStatus::as_str), RowStatus::parse),
            limit: usize::try_from(limit).unwrap_or_default(),
            cursor: query.parsed("cursor", Cursor::parse, not_ours).unwrap_or_default(),
        }
    }
}

/// Lists the outcomes of the rows, page by page.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/logs",
    operation_id = "getBulkActionLogs",
    tag = "bulk actions",
    params(
        ("id" = Uuid, Path, description = "The action's id"),
        ("status" = Option<api_types::RowStatus>, Query, description = "Only rows that went like this"),
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
    let LogsQuery { status, limit, cursor } = query;
    require_results(&action, &state.config.retention)?;
    let _place = state.shares.pages.take(&action.account_id).await?;
    let LogPage { entries, next } = read_page(&state, &action, status, limit, cursor).await?;
    Ok(envelope::page("Row outcomes", entries, CursorInfo { limit, next_cursor: next.map(Cursor::encode) }))
}
