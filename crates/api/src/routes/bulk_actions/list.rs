//! `GET /bulk-actions`: the caller's actions, newest first.

use api_types::{ActionView, EntityName, PageInfo};
use axum::Json;
use axum::extract::State;
use bulk_core::action::ActionStatus;
use bulk_core::db::{self, ActionFilter};
use bulk_core::entity;

use super::view::action_view;
use crate::envelope::{self, Page};
use crate::error::ApiError;
use crate::extract::{CanRead, Checked, FromQuery, QueryReader};
use crate::state::AppState;

const DEFAULT_LIMIT: i64 = 10;
const MAX_LIMIT: i64 = 100;
/// Far beyond any list; keeps the offset within its type.
const MAX_PAGE: i64 = 1_000_000_000;

/// Which page of which actions.
pub(super) struct ListQuery {
    page: i64,
    limit: i64,
    filter: ActionFilter,
}

impl FromQuery for ListQuery {
    fn from_query(query: &mut QueryReader) -> Self {
        let statuses = ActionStatus::ALL.map(ActionStatus::as_str);
        let entities: Vec<_> = entity::all().iter().map(|entity| entity.name()).collect();
        Self {
            page: query.number("page", 1, 1..=MAX_PAGE),
            limit: query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT),
            filter: ActionFilter {
                status: query.choice("status", &statuses, |name| {
                    ActionStatus::ALL.into_iter().find(|status| status.as_str() == name)
                }),
                entity_type: query.choice("entityType", &entities, |name| {
                    entity::find(name).map(|entity| entity.name().to_owned())
                }),
            },
        }
    }
}

/// The caller's actions, newest first.
#[utoipa::path(
    get,
    path = "/bulk-actions",
    operation_id = "listBulkActions",
    tag = "bulk actions",
    params(
        ("page" = Option<i64>, Query, minimum = 1, maximum = 1_000_000_000, description = "From 1 (default 1)"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100, description = "Most actions of a page (default 10)"),
        ("status" = Option<api_types::ActionStatus>, Query, description = "Only actions in this state"),
        ("entityType" = Option<EntityName>, Query, description = "Only actions on these records"),
    ),
    responses((status = 200, description = "One page", body = Page<ActionView, PageInfo>)),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    CanRead(account): CanRead,
    Checked(query): Checked<ListQuery>,
) -> Result<Json<Page<ActionView, PageInfo>>, ApiError> {
    let ListQuery { page, limit, filter } = query;
    let (actions, total) =
        db::list_actions(&state.dependencies.pool, &account, &filter, limit, (page - 1) * limit).await?;
    let views = actions.into_iter().map(|action| action_view(action, None)).collect();
    Ok(envelope::page("Bulk actions", views, PageInfo::new(page, limit, total)))
}
