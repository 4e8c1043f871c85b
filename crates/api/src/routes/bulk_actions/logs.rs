//! `GET /bulk-actions/{id}/logs`: what became of each row, page by page.

use axum::extract::State;
use bulk_core::chunk::RowStatus;
use serde::Serialize;

use crate::envelope::Success;
use crate::error::ApiError;
use crate::extract::{Checked, FromQuery, OwnedAction, QueryReader};
use crate::results::{Cursor, LogEntry, LogPage, read_page};
use crate::state::AppState;

const DEFAULT_LIMIT: i64 = 100;
const MAX_LIMIT: i64 = 1000;

/// Which rows.
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

/// Where the page stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CursorInfo {
    limit: usize,
    next_cursor: Option<Cursor>,
}

pub(super) async fn logs(
    State(state): State<AppState>,
    OwnedAction(action): OwnedAction,
    Checked(query): Checked<LogsQuery>,
) -> Result<Success<Vec<LogEntry>, CursorInfo>, ApiError> {
    let LogsQuery { status, limit, cursor } = query;
    let LogPage { entries, next } = read_page(&state, &action, status, limit, cursor).await?;
    Ok(Success::page("Row outcomes", entries, CursorInfo { limit, next_cursor: next }))
}
