//! The table of error codes: status, code, and the texts of the OpenAPI document. Every error response, and every
//! documented one, is based on it.

use axum::http::StatusCode;

/// A kind of error, for responses and the OpenAPI document.
pub(crate) struct ErrorKind {
    /// Status of the response.
    pub(crate) status: StatusCode,
    /// `error.code` of the response.
    pub(crate) code: &'static str,
    /// Meaning of the status, in the OpenAPI document.
    pub(crate) description: &'static str,
    /// Example message in the OpenAPI document.
    pub(crate) example: &'static str,
}

pub(super) static VALIDATION_FAILED: ErrorKind = ErrorKind {
    status: StatusCode::BAD_REQUEST,
    code: "validation_failed",
    description: "The request breaks a rule; `error.details` names each",
    example: "the request is not valid",
};
pub(super) static UNAUTHORIZED: ErrorKind = ErrorKind {
    status: StatusCode::UNAUTHORIZED,
    code: "unauthorized",
    description: "The credential is missing or invalid",
    example: "a bearer token is missing",
};
pub(super) static FORBIDDEN: ErrorKind = ErrorKind {
    status: StatusCode::FORBIDDEN,
    code: "forbidden",
    description: "The token's scope does not allow it",
    example: "the scope bulk:read is missing",
};
pub(super) static NOT_FOUND: ErrorKind = ErrorKind {
    status: StatusCode::NOT_FOUND,
    code: "not_found",
    description: "The resource does not exist or belongs to another account",
    example: "bulk action not found",
};
pub(super) static METHOD_NOT_ALLOWED: ErrorKind = ErrorKind {
    status: StatusCode::METHOD_NOT_ALLOWED,
    code: "method_not_allowed",
    description: "The path does not support this method",
    example: "this method is not allowed here",
};
pub(super) static REQUEST_TIMEOUT: ErrorKind = ErrorKind {
    status: StatusCode::REQUEST_TIMEOUT,
    code: "request_timeout",
    description: "The body arrived too slowly",
    example: "the body came too slowly: send at least 1 KiB per second",
};
pub(super) static CONFLICT: ErrorKind = ErrorKind {
    status: StatusCode::CONFLICT,
    code: "conflict",
    description: "The current state does not allow it",
    example: "an action that is completed cannot be paused",
};
pub(super) static GONE: ErrorKind = ErrorKind {
    status: StatusCode::GONE,
    code: "gone",
    description: "It has expired and been removed",
    example: "the results of this action have been removed: kept until 2026-03-02T12:00:00Z. The counts of the action remain",
};
pub(super) static FILE_TOO_LARGE: ErrorKind = ErrorKind {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    code: "file_too_large",
    description: "Too many bytes (`file_too_large`) or rows (`too_many_rows`)",
    example: "the file is larger than 1048576000 bytes: split it into several files",
};
pub(super) static TOO_MANY_ROWS: ErrorKind = ErrorKind {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    code: "too_many_rows",
    description: "Too many bytes (`file_too_large`) or rows (`too_many_rows`)",
    example: "the file has more than 10000000 rows: split it into several files",
};
pub(super) static URI_TOO_LONG: ErrorKind = ErrorKind {
    status: StatusCode::URI_TOO_LONG,
    code: "uri_too_long",
    description: "The path with its query is too long",
    example: "the path with its query must have at most 8192 bytes",
};
pub(super) static UNSUPPORTED_MEDIA_TYPE: ErrorKind = ErrorKind {
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    code: "unsupported_media_type",
    description: "The type of the body or file is not supported",
    example: "send the upload as multipart/form-data",
};
pub(super) static RATE_LIMITED: ErrorKind = ErrorKind {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "rate_limited",
    description: "Too many requests of the account or address (`rate_limited`), or the account has reached a quota (`quota_exceeded`)",
    example: "too many requests: try again in 3 s",
};
pub(super) static QUOTA_EXCEEDED: ErrorKind = ErrorKind {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "quota_exceeded",
    description: "Too many requests of the account or address (`rate_limited`), or the account has reached a quota (`quota_exceeded`)",
    example: "the account has 100 unfinished actions, and may have 100",
};
pub(super) static HEADERS_TOO_LARGE: ErrorKind = ErrorKind {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    code: "headers_too_large",
    description: "The headers are too long or too many",
    example: "the headers must have at most 32768 bytes",
};
pub(super) static INTERNAL: ErrorKind = ErrorKind {
    status: StatusCode::INTERNAL_SERVER_ERROR,
    code: "internal",
    description: "A defect of the service",
    example: "something went wrong on our side",
};
pub(super) static UNAVAILABLE: ErrorKind = ErrorKind {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "unavailable",
    description: "A dependency is down, or the process is shutting down",
    example: "the service is temporarily unavailable, please try again",
};

/// Kinds that the OpenAPI document lists for an operation, one per status.
pub(crate) static KINDS: [&ErrorKind; 13] = [
    &VALIDATION_FAILED,
    &UNAUTHORIZED,
    &FORBIDDEN,
    &NOT_FOUND,
    &REQUEST_TIMEOUT,
    &CONFLICT,
    &GONE,
    &FILE_TOO_LARGE,
    &URI_TOO_LONG,
    &UNSUPPORTED_MEDIA_TYPE,
    &RATE_LIMITED,
    &HEADERS_TOO_LARGE,
    &UNAVAILABLE,
];
