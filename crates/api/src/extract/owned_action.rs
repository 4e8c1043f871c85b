//! The action named by a path, if it belongs to the caller. Handlers have no other way to get an action, so none can
//! omit the check of its owner.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use bulk_core::db::{self, ActionRecord};
use uuid::Uuid;

use super::{CanRead, CanWrite};
use crate::error::ApiError;
use crate::state::AppState;

/// Response for an id that does not exist or belongs to another account.
pub(crate) const NO_SUCH_ACTION: ApiError = ApiError::NotFound("bulk action");

/// An action of the caller with its counters.
pub(crate) struct OwnedAction(pub(crate) ActionRecord);

impl FromRequestParts<AppState> for OwnedAction {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let CanRead(account) = CanRead::from_request_parts(parts, state).await?;
        let id = id_in_path(parts, state).await?;
        let _turn = state.shares.questions.take(&account).await?;
        let found = db::find_action(&state.dependencies.pool, &account, id).await?;
        found.map(Self).ok_or(NO_SUCH_ACTION)
    }
}

/// The action to change with the caller's account. Its existence is checked later, when it is locked.
pub(crate) struct TargetAction {
    /// Account of the caller.
    pub(crate) account: String,
    /// Id of the action.
    pub(crate) id: Uuid,
}

impl FromRequestParts<AppState> for TargetAction {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let CanWrite(account) = CanWrite::from_request_parts(parts, state).await?;
        Ok(Self { account, id: id_in_path(parts, state).await? })
    }
}

async fn id_in_path(parts: &mut Parts, state: &AppState) -> Result<Uuid, ApiError> {
    // An invalid id, even one that is not text, counts as not found.
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| NO_SUCH_ACTION)?;
    let id = params.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| Uuid::try_parse(id).ok());
    id.ok_or(NO_SUCH_ACTION)
}
