//! `GET /bulk-actions/{id}`: everything about one action.

use std::time::Duration;

use axum::extract::State;

use super::view::ActionView;
use crate::envelope::Success;
use crate::error::ApiError;
use crate::extract::OwnedAction;
use crate::state::AppState;

const LINK_VALID_FOR: Duration = Duration::from_secs(3600);

pub(super) async fn show(
    State(state): State<AppState>,
    OwnedAction(action): OwnedAction,
) -> Result<Success<ActionView>, ApiError> {
    let link =
        state.dependencies.store.download_url(&action.file_key, &action.file_name, LINK_VALID_FOR).await?;
    Ok(Success::new("Bulk action", ActionView::new(action, Some(link))))
}
