//! The envelope of every JSON response, stamped with the request's trace.

pub(crate) use api_types::{Detail, ErrorBody, Failure, Page, PageInfo, Success, Timestamp};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::trace;

/// A response with `data`.
pub(crate) fn success<T>(message: impl Into<String>, data: T) -> Json<Success<T>> {
    Json(Success::new(message, data, trace::current().trace_id()))
}

/// A response with a page of items and its position in the list.
pub(crate) fn page<T, P>(message: impl Into<String>, data: Vec<T>, pagination: P) -> Json<Page<T, P>> {
    Json(Page::new(message, data, pagination, trace::current().trace_id()))
}

/// The response to a failed request.
pub(crate) fn failure(status: StatusCode, message: String, error: ErrorBody) -> Response {
    (status, Json(Failure::new(message, error, trace::current().trace_id()))).into_response()
}
