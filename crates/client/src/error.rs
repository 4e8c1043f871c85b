//! Errors of calls, classified by what the caller can do about them.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use api_types::{Detail, Failure};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use thiserror::Error;
use uuid::Uuid;

/// Maximum length of a foreign response in an error.
const SHOWN_CHARS: usize = 200;

/// Reason why a call failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The service rejected the request.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No connection could be established, so nothing was sent.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The service's address.
        url: String,
        /// Error of the operating system or of TLS.
        reason: String,
    },
    /// The connection broke before the response; it is unknown whether the service acted.
    #[error("the connection to {url} broke off: {reason}")]
    BrokenOff {
        /// The service's address.
        url: String,
        /// Error of the operating system or of TLS.
        reason: String,
    },
    /// The response is not from this API: it comes from a proxy or another service.
    #[error("{url} does not answer as this API does: {what}")]
    Foreign {
        /// The service's address.
        url: String,
        /// HTTP status.
        status: u16,
        /// Beginning of the response.
        what: String,
    },
    /// The file to upload cannot be read.
    #[error("cannot read {name}: {error}")]
    Source {
        /// Name of the file.
        name: String,
        /// The I/O error.
        error: io::Error,
    },
    /// The address or the credentials are invalid.
    #[error("{0}")]
    Setup(String),
}

/// Error response of the service.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Error code.
    pub code: String,
    /// Message for people.
    pub message: String,
    /// The individual problems; may be empty.
    pub details: Vec<Detail>,
    /// Trace id of the request in the service's log.
    pub trace_id: Option<Uuid>,
    /// Time after which a retry makes sense.
    pub retry_after: Option<Duration>,
}

impl ClientError {
    /// True if a retry may help. It is safe if the operation can be repeated.
    #[must_use]
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::BrokenOff { .. } => true,
            Self::Refused(refusal) => refusal.is_transient(),
            // Sent by a gateway while the service behind it is down.
            Self::Foreign { status, .. } => matches!(status, 502..=504),
            Self::Source { .. } | Self::Setup(_) => false,
        }
    }

    /// True if the service has certainly not acted.
    #[must_use]
    pub(crate) fn is_before_action(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Source { .. } | Self::Setup(_) => true,
            Self::Refused(refusal) => refusal.status == 429,
            Self::BrokenOff { .. } | Self::Foreign { .. } => false,
        }
    }

    /// The error response of the service, if there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The error of a request without a complete response.
    pub(crate) fn of_request(url: &str, error: &reqwest::Error) -> Self {
        let (url, reason) = (url.to_owned(), root_cause(error));
        if error.is_builder() {
            Self::Setup(format!("the request cannot be made: {reason}"))
        } else if error.is_connect() {
            Self::Unreachable { url, reason }
        } else {
            Self::BrokenOff { url, reason }
        }
    }
}

impl Refusal {
    fn is_transient(&self) -> bool {
        // A quota does not recover within the retry time.
        matches!(self.status, 429 | 503) && self.code != "quota_exceeded"
    }

    /// Parses an unsuccessful response.
    pub(crate) async fn of_response(url: &str, response: Response) -> ClientError {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let text = match response.bytes().await {
            Ok(text) => text,
            Err(error) => return ClientError::of_request(url, &error),
        };
        match serde_json::from_slice::<Failure>(&text) {
            Ok(Failure { message, error, trace_id, .. }) => ClientError::Refused(Box::new(Self {
                status: status.as_u16(),
                code: error.code,
                message,
                details: error.details,
                trace_id: Some(trace_id),
                retry_after,
            })),
            Err(_) => foreign(url, status, &text),
        }
    }
}

/// The error for a response that does not have this API's form.
pub(crate) fn foreign(url: &str, status: StatusCode, text: &[u8]) -> ClientError {
    let text = String::from_utf8_lossy(text);
    let shown: String = text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect();
    let what = if shown.trim().is_empty() { format!("{status}") } else { format!("{status}: {shown}") };
    ClientError::Foreign { url: url.to_owned(), status: status.as_u16(), what }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost cause: the outer ones describe the request, not the problem.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        // Without a source, the text of the error may repeat the address, which is shown already.
        None => return "no answer".to_owned(),
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str) -> ClientError {
        let code = code.to_owned();
        let message = String::new();
        let refusal =
            Refusal { status, code, message, details: Vec::new(), trace_id: None, retry_after: None };
        ClientError::Refused(Box::new(refusal))
    }

    #[test]
    fn transient_errors_are_told_from_lasting_ones() {
        assert!(refusal(429, "rate_limited").is_transient());
        assert!(refusal(503, "unavailable").is_transient());
        for (status, code) in [(429, "quota_exceeded"), (400, "validation_failed"), (409, "conflict")] {
            assert!(!refusal(status, code).is_transient(), "{status} {code}");
        }
        assert!(foreign("http://x", StatusCode::BAD_GATEWAY, b"<html>").is_transient());
        assert!(!foreign("http://x", StatusCode::OK, b"<html>").is_transient());
    }
}
