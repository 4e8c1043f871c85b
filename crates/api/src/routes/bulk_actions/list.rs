//! `GET /bulk-actions`: the caller's actions, newest first. By page up to a limit, by cursor at any depth: the cost of
//! a page grows with the number of skipped rows, and a cursor skips none.

use api_types::{ActionView, EntityName};
use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulk_core::action::{ActionStatus, ActionType};
use bulk_core::db::{self, ActionFilter, ActionRecord};
use bulk_core::entity::Entities;
use uuid::Uuid;

use super::view::action_in_list;
use crate::envelope::{self, Page, PageInfo};
use crate::error::ApiError;
use crate::extract::{CanRead, Checked, FromQuery, QueryReader};
use crate::state::AppState;

const DEFAULT_LIMIT: i64 = 10;
const MAX_LIMIT: i64 = 100;
/// Number of actions that pages reach, and up to which they are counted.
const MOST_BY_PAGE: i64 = 10_000;

/// Longest searched part of a file name: as long as a file name.
const MOST_CHARS: usize = 255;

/// Start of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// The page with this number, from 1.
    Page(i64),
    /// After this action.
    Cursor(Uuid),
}

/// The requested page and filter.
pub(super) struct ListQuery {
    from: Start,
    limit: i64,
    filter: ActionFilter,
}

impl FromQuery for ListQuery {
    fn from_query(query: &mut QueryReader) -> Self {
        let statuses = ActionStatus::ALL.map(ActionStatus::as_str);
        let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
        Self {
            from: read_place(query, limit),
            limit,
            filter: ActionFilter {
                status: query.choice("status", &statuses, |name| {
                    ActionStatus::ALL.into_iter().find(|status| status.as_str() == name)
                }),
                entity_type: query.parsed("entityType", |name| Some(name.to_owned()), String::new),
                action_type: query.choice(
                    "actionType",
                    &ActionType::ALL.map(ActionType::as_str),
                    ActionType::parse,
                ),
                file_name: query.parsed("fileName", part_of_a_name, || {
                    format!("must have 1 to {MOST_CHARS} characters, without a zero byte")
                }),
            },
        }
    }
}

/// The database takes no zero byte in a text.
fn part_of_a_name(text: &str) -> Option<String> {
    let is_one = (1..=MOST_CHARS).contains(&text.chars().count()) && !text.contains('\0');
    is_one.then(|| text.to_owned())
}

fn read_place(query: &mut QueryReader, limit: i64) -> Start {
    let page = query.number("page", 1, 1..=i64::MAX);
    if page.saturating_mul(limit) > MOST_BY_PAGE {
        let message = format!(
            "pages reach the newest {MOST_BY_PAGE} actions: for older ones give cursor, the pagination.nextCursor of \
             the page before"
        );
        query.refuse("page", message);
    }
    if query.has("page") && query.has("cursor") {
        query.refuse("cursor", "must not be given together with page");
    }
    let not_ours = || "must be a nextCursor of an earlier answer".to_owned();
    query.parsed("cursor", parse_cursor, not_ours).map_or(Start::Page(page), Start::Cursor)
}

/// Cursor after the last action of a page; opaque to clients.
fn cursor_after(action: &ActionRecord) -> String {
    URL_SAFE_NO_PAD.encode(action.id)
}

fn parse_cursor(text: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Lists the caller's actions, newest first, without the mappings of their uploads.
#[utoipa::path(
    get,
    path = "/bulk-actions",
    operation_id = "listBulkActions",
    tag = "bulk actions",
    params(
        ("page" = Option<i64>, Query, minimum = 1, maximum = 10_000, description = "From 1 (default 1); page times limit is at most 10,000"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100, description = "Most actions of a page (default 10)"),
        ("cursor" = Option<String>, Query, description = "`pagination.nextCursor` of the page before, in place of `page`: reaches every action, and costs the same at any depth"),
        ("status" = Option<api_types::ActionStatus>, Query, description = "Only actions in this state"),
        ("entityType" = Option<EntityName>, Query, description = "Only actions on these records"),
        ("actionType" = Option<api_types::ActionType>, Query, description = "Only actions that do this, of the newest 10,000"),
        ("fileName" = Option<String>, Query, min_length = 1, max_length = 255, description = "Only actions whose file's name has this in it, in any case, of the newest 10,000"),
    ),
    responses((status = 200, description = "One page", body = Page<ActionView, PageInfo>)),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    CanRead(account): CanRead,
    Checked(query): Checked<ListQuery>,
) -> Result<Json<Page<ActionView, PageInfo>>, ApiError> {
    let ListQuery { from, limit, filter } = query;
    check_entity(&state.entities, filter.entity_type.as_deref())?;
    let pool = &state.dependencies.pool;
    let _turn = state.shares.questions.take(&account).await?;
    // One extra action shows that there is a next page.
    let (before, offset) = match from {
        Start::Page(page) => (None, (page - 1) * limit),
        Start::Cursor(after) => (Some(after), 0),
    };
    let mut actions = db::list_actions(pool, &account, &filter, before, limit + 1, offset).await?;
    let has_more = actions.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        actions.pop();
    }
    let counted = match from {
        Start::Page(_) => Some(db::count_actions(pool, &account, &filter, MOST_BY_PAGE + 1).await?),
        Start::Cursor(_) => None,
    };
    let next_cursor = actions.last().filter(|_| has_more).map(cursor_after);
    let info = page_info(from, limit, counted, next_cursor);
    let kept = &state.config.retention;
    let views = actions.into_iter().map(|action| action_in_list(action, kept)).collect();
    Ok(envelope::page("Bulk actions", views, info))
}

/// Validates the entity name, for which the query parser does not know the valid values.
fn check_entity(entities: &Entities, name: Option<&str>) -> Result<(), ApiError> {
    match name {
        Some(name) if entities.find(name).is_none() => {
            Err(ApiError::invalid("entityType", format!("must be one of {}", entities.names().join(", "))))
        }
        _ => Ok(()),
    }
}

/// `counted`: up to one more than pages reach.
fn page_info(from: Start, limit: i64, counted: Option<i64>, next_cursor: Option<String>) -> PageInfo {
    let total = counted.map(|counted| counted.min(MOST_BY_PAGE));
    PageInfo {
        page: match from {
            Start::Page(page) => Some(page),
            Start::Cursor(_) => None,
        },
        limit,
        total,
        total_is_capped: counted.is_some_and(|counted| counted > MOST_BY_PAGE),
        total_pages: total.map(|total| (total + limit - 1) / limit),
        has_next: next_cursor.is_some(),
        has_prev: from != Start::Page(1),
        next_cursor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_malformed_ones_are_none() {
        let id = Uuid::now_v7();
        assert_eq!(parse_cursor(&URL_SAFE_NO_PAD.encode(id)), Some(id));
        for text in ["", "x", "AAAAAAAAAAA", &id.to_string()] {
            assert_eq!(parse_cursor(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_that_is_longer_than_is_counted_says_so() {
        let long = page_info(Start::Page(3), 100, Some(MOST_BY_PAGE + 1), Some("next".to_owned()));
        assert_eq!((long.total, long.total_pages, long.total_is_capped), (Some(10_000), Some(100), true));
        assert!(long.has_next && long.has_prev);
        let exact = page_info(Start::Page(1), 10, Some(11), Some("next".to_owned()));
        assert_eq!((exact.total, exact.total_pages, exact.total_is_capped), (Some(11), Some(2), false));
        assert!(exact.has_next && !exact.has_prev);
        let by_cursor = page_info(Start::Cursor(Uuid::nil()), 10, None, None);
        assert_eq!((by_cursor.page, by_cursor.total, by_cursor.total_pages), (None, None, None));
        assert!(!by_cursor.has_next && by_cursor.has_prev);
    }
}
