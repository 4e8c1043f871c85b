//! The caller's account. The extractor's type states the permission that the handler requires.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::auth::Caller;
use crate::error::ApiError;

/// Account of a caller with read permission.
pub(crate) struct CanRead(pub(crate) String);

/// Account of a caller with write permission.
pub(crate) struct CanWrite(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for CanRead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        if caller.can_read {
            Ok(Self(caller.account.clone()))
        } else {
            Err(ApiError::Forbidden("the scope bulk:read is missing"))
        }
    }
}

impl<S: Sync> FromRequestParts<S> for CanWrite {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        if caller.can_write {
            Ok(Self(caller.account.clone()))
        } else {
            Err(ApiError::Forbidden("the scope bulk:write is missing"))
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        caller(parts).cloned()
    }
}

/// The caller that [`identify`](crate::middleware::identify) has found.
fn caller(parts: &Parts) -> Result<&Caller, ApiError> {
    parts.extensions.get::<Caller>().ok_or_else(|| {
        ApiError::internal("a route that needs a caller is not behind the middleware that identifies one")
    })
}
