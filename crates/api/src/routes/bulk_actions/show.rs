//! `GET /bulk-actions/{id}`: one action.

use std::time::Duration;

use api_types::ActionView;
use axum::Json;
use axum::extract::State;
use bulk_core::db::ActionRecord;
use bulk_core::storage::keys;
use chrono::{DateTime, Utc};

use super::view::action_view;
use crate::auth::Caller;
use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::OwnedAction;
use crate::retention::Expiry;
use crate::state::AppState;

const LINK_VALID_FOR: Duration = Duration::from_secs(3600);

/// Shows one action, with a link to its file that is valid for an hour, while the file is kept.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}",
    operation_id = "getBulkAction",
    tag = "bulk actions",
    params(("id" = Uuid, Path, description = "The action's id")),
    responses((status = 200, description = "The action", body = Success<ActionView>)),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    OwnedAction(action): OwnedAction,
) -> Result<Json<Success<ActionView>>, ApiError> {
    Ok(success("Bulk action", with_link(&state, &caller, action).await?))
}

/// The action with a link to its file, for a caller with read permission, while the file is kept. The link expires with
/// the file and with the caller's credential.
pub(super) async fn with_link(
    state: &AppState,
    caller: &Caller,
    action: ActionRecord,
) -> Result<ActionView, ApiError> {
    let (kept, now) = (&state.config.retention, Utc::now());
    let expires_at = Expiry::of_file(&action, kept).0;
    let kept_for = expires_at.map_or(LINK_VALID_FOR, |at| (at - now).to_std().unwrap_or_default());
    let valid_for = link_valid_for(caller, now).min(kept_for);
    if !caller.can_read || valid_for < Duration::from_secs(1) {
        return Ok(action_view(action, None, kept));
    }
    let key = keys::uploaded(&action.file_key);
    let link = state.dependencies.store.download_url(&key, &action.file_name, valid_for).await?;
    Ok(action_view(action, Some(link), kept))
}

/// Whole seconds, which is the resolution of links.
fn link_valid_for(caller: &Caller, now: DateTime<Utc>) -> Duration {
    let left = caller.until.map(|until| (until - now).num_seconds());
    left.map_or(LINK_VALID_FOR, |left| Duration::from_secs(left.try_into().unwrap_or(0)).min(LINK_VALID_FOR))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_link_ends_with_its_token_and_after_an_hour_at_the_latest() {
        let now = Utc::now();
        let valid_for = |seconds: Option<i64>| {
            let until = seconds.map(|seconds| now + TimeDelta::seconds(seconds));
            let caller = Caller { account: "a".to_owned(), can_read: true, can_write: false, until };
            link_valid_for(&caller, now).as_secs()
        };
        assert_eq!(valid_for(Some(60)), 60);
        assert_eq!(valid_for(Some(86_400)), 3600);
        assert_eq!(valid_for(None), 3600);
        assert_eq!(valid_for(Some(-3)), 0, "within the leeway of its end");
    }
}
