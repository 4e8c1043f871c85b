//! Limits on a request's first line and headers. The limits of the HTTP server below are wider, and its rejections have
//! no envelope; they only bound the memory of a connection.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// Limit of the path with its query. A cursor and a few filters need less than a tenth of it.
const MAX_URI_BYTES: usize = 8 * 1024;
/// Limit of all headers, sufficient for a token with many claims.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Rejects a head that exceeds a limit.
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
