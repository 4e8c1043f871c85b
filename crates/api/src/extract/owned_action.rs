//! The action that a path names, if it is the caller's. Handlers get at an action by no other way, so none can forget to
//! ask whose it is.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use bulk_core::db::{self, ActionRecord};
use uuid::Uuid;

use super::CanRead;
use crate::error::ApiError;
use crate::state::AppState;

/// An action of the caller's, with its counters.
pub(crate) struct OwnedAction(pub(crate) ActionRecord);

impl FromRequestParts<AppState> for OwnedAction {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let CanRead(account) = CanRead::from_request_parts(parts, state).await?;
        // What is no id at all, or not even text, cannot be found either.
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| ApiError::NotFound("bulk action"))?;
        let id = params.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| Uuid::try_parse(id).ok());
        let id = id.ok_or(ApiError::NotFound("bulk action"))?;
        let found = db::find_action(&state.dependencies.pool, &account, id).await?;
        found.map(Self).ok_or(ApiError::NotFound("bulk action"))
    }
}
