//! The envelope of every JSON response.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Timestamp;

/// A successful response.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Success<T> {
    #[schema(example = true)]
    success: bool,
    /// Message for people.
    pub message: String,
    pub data: T,
    pub timestamp: Timestamp,
    /// Trace id of the request in the log; also in the header `X-Trace-ID`.
    pub trace_id: Uuid,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T, P> {
    #[schema(example = true)]
    success: bool,
    /// Message for people.
    pub message: String,
    pub data: Vec<T>,
    pub pagination: P,
    pub timestamp: Timestamp,
    /// Trace id of the request in the log; also in the header `X-Trace-ID`.
    pub trace_id: Uuid,
}

/// An error response.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    #[schema(example = false)]
    success: bool,
    /// Message for people.
    pub message: String,
    pub error: ErrorBody,
    pub timestamp: Timestamp,
    /// Trace id of the request in the log; also in the header `X-Trace-ID`.
    pub trace_id: Uuid,
}

impl<T> Success<T> {
    /// A response with `data`, stamped with the current time.
    pub fn new(message: impl Into<String>, data: T, trace_id: Uuid) -> Self {
        Self { success: true, message: message.into(), data, timestamp: Timestamp::now(), trace_id }
    }
}

impl<T, P> Page<T, P> {
    /// A response with a page of items and its position, stamped with the current time.
    pub fn new(message: impl Into<String>, data: Vec<T>, pagination: P, trace_id: Uuid) -> Self {
        Self {
            success: true,
            message: message.into(),
            data,
            pagination,
            timestamp: Timestamp::now(),
            trace_id,
        }
    }
}

impl Failure {
    /// A response with `error`, stamped with the current time.
    pub fn new(message: impl Into<String>, error: ErrorBody, trace_id: Uuid) -> Self {
        Self { success: false, message: message.into(), error, timestamp: Timestamp::now(), trace_id }
    }
}

/// The `error` of an error response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// Error code from the documented list.
    pub code: String,
    /// The individual problems; may be empty.
    pub details: Vec<Detail>,
}

/// A problem of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Detail {
    /// Field, parameter or column.
    pub field: String,
    /// Message that says what would be valid.
    pub message: String,
}

impl Detail {
    /// The problem `message` of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Position of a page in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    /// Page number from 1; null for a page requested by cursor.
    #[schema(required)]
    pub page: Option<i64>,
    /// Maximum number of items per page.
    pub limit: i64,
    /// Number of items in the whole list, counted up to 10,000; null for a page requested by cursor.
    #[schema(required)]
    pub total: Option<i64>,
    /// True if there are more items than `total`.
    pub total_is_capped: bool,
    /// Number of pages that `page` can select; null for a page requested by cursor.
    #[schema(required)]
    pub total_pages: Option<i64>,
    pub has_next: bool,
    pub has_prev: bool,
    /// The `cursor` of the next page; null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
