//! Everything that can go wrong with a request, with two texts for each: what the caller is told, and what the log
//! keeps. An error is logged here, once, when it becomes an answer.

use std::error::Error as StdError;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bulk_core::db::{self, DbError, QuotaExceeded};
use bulk_core::storage::StorageError;
use thiserror::Error;

use crate::envelope::{Detail, ErrorBody, failure};
use crate::rate_limit::whole_seconds;

/// Seconds after which a caller may try again when a dependency was down.
const RETRY_AFTER_S: u64 = 5;

/// Why a request was not answered as wished.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// Fields, parameters or the file break a rule.
    #[error("the request is not valid")]
    Validation(Vec<Detail>),
    /// The caller did not say who they are, or not credibly.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such thing, or it is another account's.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The path exists, but not with this method.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// What is asked does not fit the state that things are in; the sentence names it.
    #[error("{0}")]
    Conflict(String),
    /// It was there, and its time is over; the sentence has the date.
    #[error("{0}")]
    Gone(String),
    /// The account has as much as it may have.
    #[error(transparent)]
    QuotaExceeded(#[from] QuotaExceeded),
    /// The request, or the body that follows it, came too slowly.
    #[error("{0}")]
    TooSlow(&'static str),
    /// The path with its query is too long.
    #[error("{0}")]
    UriTooLong(&'static str),
    /// The headers are too long or too many.
    #[error("{0}")]
    HeadersTooLarge(&'static str),
    /// The account or the address asks too often.
    #[error("too many requests: try again in {} s", whole_seconds(*retry_after).max(1))]
    RateLimited {
        /// After this time it would be answered.
        retry_after: Duration,
    },
    /// The account has all that one process does for it at once.
    #[error(
        "this account has {held} {what} in progress here, as many as it can have at once: try again when one has ended"
    )]
    ShareTaken {
        /// What is shared.
        what: &'static str,
        /// How many of them the account holds.
        held: usize,
    },
    /// Too many bytes.
    #[error("{0}")]
    FileTooLarge(String),
    /// Too many rows.
    #[error("{0}")]
    TooManyRows(String),
    /// A body or file of a kind that is not taken.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// A dependency is down, or this process is about to end.
    #[error("the service is temporarily unavailable, please try again")]
    Unavailable(#[source] Option<Box<dyn StdError + Send + Sync>>),
    /// Our own fault.
    #[error("something went wrong on our side")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl ApiError {
    /// One problem with one field.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Validation(vec![Detail::new(field, message)])
    }

    /// Our own fault, for whatever reason.
    pub(crate) fn internal(reason: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(reason.into())
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Validation(_) => (StatusCode::BAD_REQUEST, "validation_failed"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Gone(_) => (StatusCode::GONE, "gone"),
            Self::QuotaExceeded(_) => (StatusCode::TOO_MANY_REQUESTS, "quota_exceeded"),
            Self::TooSlow(_) => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::UriTooLong(_) => (StatusCode::URI_TOO_LONG, "uri_too_long"),
            Self::HeadersTooLarge(_) => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large"),
            Self::RateLimited { .. } | Self::ShareTaken { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
            }
            Self::FileTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "file_too_large"),
            Self::TooManyRows(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_many_rows"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    fn log(&self) {
        match self {
            Self::Unavailable(Some(source)) => {
                tracing::warn!(error = source.as_ref() as &dyn StdError, "a dependency is down");
            }
            Self::Internal(source) => {
                tracing::error!(
                    error = source.as_ref() as &dyn StdError,
                    "a request failed by our own fault"
                );
            }
            _ => {}
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Unavailable(_) | Self::ShareTaken { .. } => Some(RETRY_AFTER_S),
            Self::RateLimited { retry_after } => Some(whole_seconds(*retry_after).max(1)),
            _ => None,
        }
    }

    fn into_details(self) -> Vec<Detail> {
        match self {
            Self::Validation(details) => details,
            Self::QuotaExceeded(QuotaExceeded::OpenActions { used, allowed }) => {
                vec![Detail::new("openActions", format!("{used} used, {allowed} allowed"))]
            }
            Self::QuotaExceeded(QuotaExceeded::StoredBytes { used, allowed }) => {
                vec![Detail::new("storedBytes", format!("{used} used, {allowed} allowed"))]
            }
            _ => Vec::new(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let (status, code) = self.status_and_code();
        let message = self.to_string();
        let retry_after_s = self.retry_after_s();
        let mut response =
            failure(status, message, ErrorBody { code: code.to_owned(), details: self.into_details() });
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.extend(retry_after_s.map(|seconds| (header::RETRY_AFTER, seconds.into())));
        response
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let may_pass = db::is_outage(&error) || db::is_contention(&error);
        if may_pass { Self::Unavailable(Some(error.into())) } else { Self::internal(error) }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Illegal(refused) => Self::Conflict(refused.to_string()),
            DbError::Gone { .. } => Self::Conflict(error.to_string()),
            DbError::Database(error) => error.into(),
            DbError::Fenced => Self::internal(error),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        // A key that we computed and recorded has to be there: that it is not is our fault, and no 404.
        if error.is_outage() { Self::Unavailable(Some(error.into())) } else { Self::internal(error) }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::Value;

    use super::*;

    async fn answer(error: ApiError) -> (u16, Value, Response) {
        let mut response = error.into_response();
        let body = std::mem::take(response.body_mut());
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(&body).unwrap(), response)
    }

    #[tokio::test]
    async fn an_error_fills_the_envelope() {
        let details = vec![Detail::new("limit", "must be a whole number from 1 to 100")];
        let (status, body, _) = answer(ApiError::Validation(details)).await;
        assert_eq!(status, 400);
        insta::assert_json_snapshot!(body, { ".timestamp" => "[timestamp]", ".traceId" => "[trace id]" });
    }

    #[tokio::test]
    async fn an_outage_says_when_to_come_back_and_nothing_else() {
        for error in
            [ApiError::from(sqlx::Error::PoolTimedOut), StorageError::Unavailable("10.0.0.7".into()).into()]
        {
            let (status, body, response) = answer(error).await;
            assert_eq!((status, body["error"]["code"].as_str()), (503, Some("unavailable")));
            assert_eq!(response.headers()[header::RETRY_AFTER], "5");
            assert!(!body.to_string().contains("10.0.0.7"), "{body}");
        }
    }

    #[tokio::test]
    async fn our_own_faults_leak_nothing() {
        for error in
            [ApiError::from(sqlx::Error::ColumnNotFound("secret".into())), StorageError::NotFound.into()]
        {
            let (status, body, _) = answer(error).await;
            assert_eq!((status, body["error"]["code"].as_str()), (500, Some("internal")));
            assert!(!body.to_string().contains("secret"), "{body}");
        }
    }
}
