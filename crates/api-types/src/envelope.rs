//! The one form of every JSON answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Timestamp;

/// What went well.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Success<T> {
    #[schema(example = true)]
    success: bool,
    /// A sentence for people.
    pub message: String,
    pub data: T,
    pub timestamp: Timestamp,
    /// Names the request in the log; also in the header `X-Trace-ID`.
    pub trace_id: Uuid,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T, P> {
    #[schema(example = true)]
    success: bool,
    /// A sentence for people.
    pub message: String,
    pub data: Vec<T>,
    pub pagination: P,
    pub timestamp: Timestamp,
    /// Names the request in the log; also in the header `X-Trace-ID`.
    pub trace_id: Uuid,
}

/// A request that was not answered as wished.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    #[schema(example = false)]
    success: bool,
    /// A sentence for people.
    pub message: String,
    pub error: ErrorBody,
    pub timestamp: Timestamp,
    /// Names the request in the log; also in the header `X-Trace-ID`.
    pub trace_id: Uuid,
}

impl<T> Success<T> {
    /// An answer with `data`, given now.
    pub fn new(message: impl Into<String>, data: T, trace_id: Uuid) -> Self {
        Self { success: true, message: message.into(), data, timestamp: Timestamp::now(), trace_id }
    }
}

impl<T, P> Page<T, P> {
    /// An answer with the page's items, and where it stands in the list, given now.
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
    /// An answer with `error`, given now.
    pub fn new(message: impl Into<String>, error: ErrorBody, trace_id: Uuid) -> Self {
        Self { success: false, message: message.into(), error, timestamp: Timestamp::now(), trace_id }
    }
}

/// What `error` holds in an answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// One of the contract's codes.
    pub code: String,
    /// What is wrong, piece by piece; may be empty.
    pub details: Vec<Detail>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Detail {
    /// The field, parameter or column.
    pub field: String,
    /// A sentence that says what would be right.
    pub message: String,
}

impl Detail {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Where a page stands in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    /// From 1; null for a page that was asked for by cursor.
    #[schema(required)]
    pub page: Option<i64>,
    /// Most items of a page.
    pub limit: i64,
    /// Items of the whole list, counted up to 10,000; null for a page that was asked for by cursor.
    #[schema(required)]
    pub total: Option<i64>,
    /// There are more items than `total` says.
    pub total_is_capped: bool,
    /// Pages that `page` can name; null for a page that was asked for by cursor.
    #[schema(required)]
    pub total_pages: Option<i64>,
    pub has_next: bool,
    pub has_prev: bool,
    /// The `cursor` of the next page; null when there is none.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
