//! Errors of requests. Each has two texts: one for the client and one for the log. An error is logged here, once, when
//! it becomes a response.

mod kinds;

use std::error::Error as StdError;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bulk_core::db::{self, DbError, QuotaExceeded};
use bulk_core::storage::StorageError;
use thiserror::Error;

pub(crate) use kinds::{Documented, ErrorKind, KINDS};

use crate::envelope::{Detail, ErrorBody, failure};

/// Seconds after which a client may retry when a dependency is down.
const RETRY_AFTER_S: u64 = 5;

/// Reason why a request failed.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// Fields, parameters or the file break a rule.
    #[error("the request is not valid")]
    Validation(Vec<Detail>),
    /// The credential is missing or invalid.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The resource does not exist or belongs to another account.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The path exists, but not with this method.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// The operation does not fit the current state, which the message names.
    #[error("{0}")]
    Conflict(String),
    /// The resource has expired; the message has the date.
    #[error("{0}")]
    Gone(String),
    /// The account has reached a quota.
    #[error(transparent)]
    QuotaExceeded(#[from] QuotaExceeded),
    /// The request head or body arrived too slowly.
    #[error("{0}")]
    TooSlow(&'static str),
    /// The path with its query is too long.
    #[error("{0}")]
    UriTooLong(&'static str),
    /// The headers are too long or too many.
    #[error("{0}")]
    HeadersTooLarge(&'static str),
    /// The account or the address sent too many requests.
    #[error("too many requests: try again in {} s", whole_seconds(*retry_after).max(1))]
    RateLimited {
        /// Time after which the request would be accepted.
        retry_after: Duration,
    },
    /// The account has the maximum of concurrent work that one process does for it.
    #[error(
        "this account has {held} {what} in progress here, as many as it can have at once: try again when one has ended"
    )]
    ShareTaken {
        /// Kind of work.
        what: &'static str,
        /// Amount of such work in progress for the account.
        held: usize,
    },
    /// Too many bytes.
    #[error("{0}")]
    FileTooLarge(String),
    /// Too many rows.
    #[error("{0}")]
    TooManyRows(String),
    /// The type of the body or file is not supported.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// A dependency is down, or this process is shutting down.
    #[error("the service is temporarily unavailable, please try again")]
    Unavailable(#[source] Option<Box<dyn StdError + Send + Sync>>),
    /// A defect of the service.
    #[error("something went wrong on our side")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl ApiError {
    /// A validation error with one problem of one field.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Validation(vec![Detail::new(field, message)])
    }

    /// A defect of the service with this reason.
    pub(crate) fn internal(reason: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(reason.into())
    }

    fn kind(&self) -> &'static ErrorKind {
        match self {
            Self::Validation(_) => &kinds::VALIDATION_FAILED,
            Self::Unauthorized(_) => &kinds::UNAUTHORIZED,
            Self::Forbidden(_) => &kinds::FORBIDDEN,
            Self::NotFound(_) => &kinds::NOT_FOUND,
            Self::MethodNotAllowed => &kinds::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => &kinds::CONFLICT,
            Self::Gone(_) => &kinds::GONE,
            Self::QuotaExceeded(_) => &kinds::QUOTA_EXCEEDED,
            Self::TooSlow(_) => &kinds::REQUEST_TIMEOUT,
            Self::UriTooLong(_) => &kinds::URI_TOO_LONG,
            Self::HeadersTooLarge(_) => &kinds::HEADERS_TOO_LARGE,
            Self::RateLimited { .. } | Self::ShareTaken { .. } => &kinds::RATE_LIMITED,
            Self::FileTooLarge(_) => &kinds::FILE_TOO_LARGE,
            Self::TooManyRows(_) => &kinds::TOO_MANY_ROWS,
            Self::UnsupportedMediaType(_) => &kinds::UNSUPPORTED_MEDIA_TYPE,
            Self::Unavailable(_) => &kinds::UNAVAILABLE,
            Self::Internal(_) => &kinds::INTERNAL,
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
                    "a request failed because of a defect"
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

/// Rounded up, so that waiting this long is sufficient.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let ErrorKind { status, code, .. } = *self.kind();
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
        // A key that we computed and recorded must exist; if it does not, that is a defect and not a 404.
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
