//! Limits of a request's first line and headers. The server below has wider ones, whose refusals have no envelope; they
//! only bound what a connection may hold in memory.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// A cursor and a few filters are less than a tenth of it.
const MAX_URI_BYTES: usize = 8 * 1024;
/// Room for a token with many claims.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Refuses a head that is larger than any of ours.
pub(crate) async fn limit_head(request: Request, next: Next) -> Response {
    let uri_bytes = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri_bytes > MAX_URI_BYTES {
        return ApiError::UriTooLong("the path with its query must have at most 8192 bytes").into_response();
    }
    let header_bytes: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if header_bytes > MAX_HEADER_BYTES {
        return ApiError::HeadersTooLarge("the headers must have at most 32768 bytes").into_response();
    }
    next.run(request).await
}
