//! The one form of every JSON answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::trace;

/// An instant as answers show it: RFC 3339, UTC, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp(pub(crate) DateTime<Utc>);

impl Timestamp {
    /// This very moment.
    pub(crate) fn now() -> Self {
        Self(Utc::now())
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// What went well.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Success<T> {
    #[schema(example = true)]
    success: bool,
    /// A sentence for people.
    message: String,
    data: T,
    timestamp: Timestamp,
    /// Names the request in the log; also in the header `X-Trace-ID`.
    trace_id: Uuid,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T, P> {
    #[schema(example = true)]
    success: bool,
    /// A sentence for people.
    message: String,
    data: Vec<T>,
    pagination: P,
    timestamp: Timestamp,
    /// Names the request in the log; also in the header `X-Trace-ID`.
    trace_id: Uuid,
}

impl<T> Success<T> {
    /// An answer with `data`.
    pub(crate) fn new(message: impl Into<String>, data: T) -> Self {
        Self {
            success: true,
            message: message.into(),
            data,
            timestamp: Timestamp::now(),
            trace_id: trace::current().trace_id(),
        }
    }
}

impl<T, P> Page<T, P> {
    /// An answer with the page's items, and where it stands in the list.
    pub(crate) fn new(message: impl Into<String>, data: Vec<T>, pagination: P) -> Self {
        let Success { success, message, data, timestamp, trace_id } = Success::new(message, data);
        Self { success, message, data, pagination, timestamp, trace_id }
    }
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

impl<T: Serialize, P: Serialize> IntoResponse for Page<T, P> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Where a page stands in a list.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    /// From 1; null for a page that was asked for by cursor.
    #[schema(required)]
    pub(crate) page: Option<i64>,
    /// Most items of a page.
    pub(crate) limit: i64,
    /// Items of the whole list, counted up to 10,000; null for a page that was asked for by cursor.
    #[schema(required)]
    pub(crate) total: Option<i64>,
    /// There are more items than `total` says.
    pub(crate) total_is_capped: bool,
    /// Pages that `page` can name; null for a page that was asked for by cursor.
    #[schema(required)]
    pub(crate) total_pages: Option<i64>,
    pub(crate) has_next: bool,
    pub(crate) has_prev: bool,
    /// The `cursor` of the next page; null when there is none.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// The field, parameter or column.
    pub(crate) field: String,
    /// A sentence that says what would be right.
    pub(crate) message: String,
}

impl Detail {
    /// `message` about `field`.
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// What `error` holds in an answer that is no success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// One of the contract's codes.
    pub(crate) code: &'static str,
    /// What is wrong, piece by piece; may be empty.
    pub(crate) details: Vec<Detail>,
}

/// A request that was not answered as wished.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    #[schema(example = false)]
    success: bool,
    /// A sentence for people.
    message: String,
    error: ErrorBody,
    timestamp: Timestamp,
    /// Names the request in the log; also in the header `X-Trace-ID`.
    trace_id: Uuid,
}

/// The response to a request that failed.
pub(crate) fn failure(status: StatusCode, message: String, error: ErrorBody) -> Response {
    let trace_id = trace::current().trace_id();
    (status, Json(Failure { success: false, message, error, timestamp: Timestamp::now(), trace_id }))
        .into_response()
}
