//! Authentication and rate limits of accounts, before any other work for a request.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Span;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::rate_limit::{Decision, write_headers};
use crate::seats::Seat;
use crate::state::AppState;

/// The path at which a POST is an upload.
const UPLOADS: &str = "/bulk-actions";

/// Responds with 401 or 429, or passes the request on with its [`Caller`]. The extractors check the permissions.
pub(crate) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let caller = match identified(&state, &request) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    Span::current().record("accountId", &caller.account);
    if let Some(seat) = request.extensions().get::<Arc<Seat>>() {
        seat.belongs_to(&caller.account);
    }
    let decision = state.account_limits.take(&caller.account, is_upload(&request)).await;
    let mut response = match &decision {
        Decision::Allowed(_) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Decision::Refused { retry_after, .. } => {
            ApiError::RateLimited { retry_after: *retry_after }.into_response()
        }
    };
    write_headers(response.headers_mut(), &decision);
    response
}

/// A header identifies the caller; without one, a browser's cookie does.
fn identified(state: &AppState, request: &Request) -> Result<Caller, ApiError> {
    let session = state.sessions.identify(&state.authenticator, request.method(), request.headers())?;
    session.map_or_else(|| state.authenticator.identify(request.headers()), Ok)
}

fn is_upload(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    request.method() == Method::POST && path == Some(UPLOADS)
}
