//! The table of error codes: status, code, and the texts of the OpenAPI document. Every error response, and every
//! documented one, is based on it.

use axum::http::StatusCode;

/// A kind of error, for responses and the OpenAPI document.
pub(crate) struct ErrorKind {
    /// Status of the response.
    pub(crate) status: StatusCode,
    /// `error.code` of the response.
    pub(crate) code: &'static str,
    /// Texts of the OpenAPI document, unless no operation that it describes has the error.
    pub(crate) documented: Option<Documented>,
}

/// Texts of the OpenAPI document about a kind of error.
pub(crate) struct Documented {
    /// Meaning of the code.
    pub(crate) meaning: &'static str,
    /// Example of a message.
    pub(crate) example: &'static str,
    /// Field and message of each example of a detail.
    pub(crate) details: &'static [(&'static str, &'static str)],
}

const fn documented(meaning: &'static str, example: &'static str) -> Option<Documented> {
    Some(Documented { meaning, example, details: &[] })
}

pub(super) static VALIDATION_FAILED: ErrorKind = ErrorKind {
    status: StatusCode::BAD_REQUEST,
    code: "validation_failed",
    documented: Some(Documented {
        meaning: "The request breaks a rule; `error.details` names each",
        example: "the request is not valid",
        details: &[("limit", "must be a whole number from 1 to 100")],
    }),
};
pub(super) static UNAUTHORIZED: ErrorKind = ErrorKind {
    status: StatusCode::UNAUTHORIZED,
    code: "unauthorized",
    documented: documented("The credential is missing or invalid", "a bearer token is missing"),
};
pub(super) static FORBIDDEN: ErrorKind = ErrorKind {
    status: StatusCode::FORBIDDEN,
    code: "forbidden",
    documented: documented("The token's scope does not allow it", "the scope bulk:read is missing"),
};
pub(super) static NOT_FOUND: ErrorKind = ErrorKind {
    status: StatusCode::NOT_FOUND,
    code: "not_found",
    documented: documented(
        "The resource does not exist or belongs to another account",
        "bulk action not found",
    ),
};
pub(super) static METHOD_NOT_ALLOWED: ErrorKind =
    ErrorKind { status: StatusCode::METHOD_NOT_ALLOWED, code: "method_not_allowed", documented: None };
pub(super) static REQUEST_TIMEOUT: ErrorKind = ErrorKind {
    status: StatusCode::REQUEST_TIMEOUT,
    code: "request_timeout",
    documented: documented(
        "The body arrived too slowly",
        "the body came too slowly: send at least 1 KiB per second",
    ),
};
pub(super) static CONFLICT: ErrorKind = ErrorKind {
    status: StatusCode::CONFLICT,
    code: "conflict",
    documented: documented(
        "The current state does not allow it",
        "an action that is completed cannot be paused",
    ),
};
pub(super) static GONE: ErrorKind = ErrorKind {
    status: StatusCode::GONE,
    code: "gone",
    documented: documented(
        "It has expired and been removed",
        "the results of this action have been removed: kept until 2026-03-02T12:00:00Z. The counts of the action remain",
    ),
};
pub(super) static FILE_TOO_LARGE: ErrorKind = ErrorKind {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    code: "file_too_large",
    documented: documented(
        "Too many bytes",
        "the file is larger than 1048576000 bytes: split it into several files",
    ),
};
pub(super) static TOO_MANY_ROWS: ErrorKind = ErrorKind {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    code: "too_many_rows",
    documented: documented(
        "Too many rows",
        "the file has more than 10000000 rows: split it into several files",
    ),
};
pub(super) static URI_TOO_LONG: ErrorKind = ErrorKind {
    status: StatusCode::URI_TOO_LONG,
    code: "uri_too_long",
    documented: documented(
        "The path with its query is too long",
        "the path with its query must have at most 8192 bytes",
    ),
};
pub(super) static UNSUPPORTED_MEDIA_TYPE: ErrorKind = ErrorKind {
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    code: "unsupported_media_type",
    documented: documented(
        "The type of the body or file is not supported",
        "send the upload as multipart/form-data",
    ),
};
pub(super) static RATE_LIMITED: ErrorKind = ErrorKind {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "rate_limited",
    documented: documented(
        "Too many requests of the account or address",
        "too many requests: try again in 3 s",
    ),
};
pub(super) static QUOTA_EXCEEDED: ErrorKind = ErrorKind {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "quota_exceeded",
    documented: Some(Documented {
        meaning: "The account has reached a quota",
        example: "the account has 100 unfinished actions, and may have 100",
        details: &[("openActions", "100 used, 100 allowed")],
    }),
};
pub(super) static HEADERS_TOO_LARGE: ErrorKind = ErrorKind {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    code: "headers_too_large",
    documented: documented(
        "The headers are too long or too many",
        "the headers must have at most 32768 bytes",
    ),
};
pub(super) static INTERNAL: ErrorKind =
    ErrorKind { status: StatusCode::INTERNAL_SERVER_ERROR, code: "internal", documented: None };
pub(super) static UNAVAILABLE: ErrorKind = ErrorKind {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "unavailable",
    documented: documented(
        "A dependency is down, or the process is shutting down",
        "the service is temporarily unavailable, please try again",
    ),
};

/// Every kind, by status.
pub(crate) static KINDS: [&ErrorKind; 17] = [
    &VALIDATION_FAILED,
    &UNAUTHORIZED,
    &FORBIDDEN,
    &NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &REQUEST_TIMEOUT,
    &CONFLICT,
    &GONE,
    &FILE_TOO_LARGE,
    &TOO_MANY_ROWS,
    &URI_TOO_LONG,
    &UNSUPPORTED_MEDIA_TYPE,
    &RATE_LIMITED,
    &QUOTA_EXCEEDED,
    &HEADERS_TOO_LARGE,
    &INTERNAL,
    &UNAVAILABLE,
];
