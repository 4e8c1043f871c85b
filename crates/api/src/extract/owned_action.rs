//! The action that a path names, if it is the caller's. Handlers get at an action by no other way, so none can forget to
//! ask whose it is.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use bulk_core::db::{self, ActionRecord};
use uuid::Uuid;

use super::{CanRead, CanWrite};
use crate::error::ApiError;
use crate::state::AppState;

/// The answer for an id of nobody's, and of another account's.
pub(crate) const NO_SUCH_ACTION: ApiError = ApiError::NotFound("bulk action");

/// An action of the caller's, with its counters.
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

/// The action to change, named together with the account that asks: whether there is one is found out where it is locked.
pub(crate) struct TargetAction {
    /// Who asks.
    pub(crate) account: String,
    /// For which action.
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
    // What is no id at all, or not even text, cannot be found either.
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| NO_SUCH_ACTION)?;
    let id = params.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| Uuid::try_parse(id).ok());
    id.ok_or(NO_SUCH_ACTION)
}
