//! The account that calls, with what it may do said by the type that a handler asks for.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tracing::Span;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::state::AppState;

/// The account of a caller who may look.
pub(crate) struct CanRead(pub(crate) String);

/// The account of a caller who may create and change.
pub(crate) struct CanWrite(pub(crate) String);

impl FromRequestParts<AppState> for CanRead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = identify(parts, state)?;
        if caller.can_read {
            Ok(Self(caller.account))
        } else {
            Err(ApiError::Forbidden("the scope bulk:read is missing"))
        }
    }
}

impl FromRequestParts<AppState> for CanWrite {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = identify(parts, state)?;
        if caller.can_write {
            Ok(Self(caller.account))
        } else {
            Err(ApiError::Forbidden("the scope bulk:write is missing"))
        }
    }
}

fn identify(parts: &Parts, state: &AppState) -> Result<Caller, ApiError> {
    let caller = state.authenticator.identify(&parts.headers)?;
    Span::current().record("accountId", &caller.account);
    Ok(caller)
}
