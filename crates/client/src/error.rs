//! What can go wrong with a call, told apart by what a caller can do about it.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use api_types::{Detail, Failure};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use thiserror::Error;
use uuid::Uuid;

/// Most of a foreign answer that an error repeats.
const SHOWN_CHARS: usize = 200;

/// Why a call came to nothing.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The service answered, and said no.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No connection came about: nothing was sent.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The service's address.
        url: String,
        /// What the operating system or TLS said.
        reason: String,
    },
    /// The connection ended before the answer did: whether the service acted is not known.
    #[error("the connection to {url} broke off: {reason}")]
    BrokenOff {
        /// The service's address.
        url: String,
        /// What the operating system or TLS said.
        reason: String,
    },
    /// Something answered that does not speak this API: a proxy, or another service.
    #[error("{url} does not answer as this API does: {what}")]
    Foreign {
        /// The service's address.
        url: String,
        /// Its status.
        status: u16,
        /// The beginning of what it said.
        what: String,
    },
    /// The file to upload cannot be read.
    #[error("cannot read {name}: {error}")]
    Source {
        /// The file's name.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The address or the credentials cannot be used.
    #[error("{0}")]
    Setup(String),
}

/// The service's own words for why it does not do what it was asked.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// One of the contract's codes.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// What is wrong, piece by piece; may be empty.
    pub details: Vec<Detail>,
    /// Names the request in the service's log.
    pub trace_id: Option<Uuid>,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
}

impl ClientError {
    /// Trying again may help, and does no harm if whatever is tried can be repeated.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::BrokenOff { .. } => true,
            Self::Refused(refusal) => refusal.is_transient(),
            // What a gateway says while the service behind it is away.
            Self::Foreign { status, .. } => matches!(status, 502..=504),
            Self::Source { .. } | Self::Setup(_) => false,
        }
    }

    /// The service has certainly not acted.
    #[must_use]
    pub fn is_before_action(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Source { .. } | Self::Setup(_) => true,
            Self::Refused(refusal) => refusal.status == 429,
            Self::BrokenOff { .. } | Self::Foreign { .. } => false,
        }
    }

    /// The refusal, if the service answered with one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The error of a request that got no whole answer.
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
        // A quota does not free itself within the time that anybody waits.
        matches!(self.status, 429 | 503) && self.code != "quota_exceeded"
    }

    /// Reads an answer that is no success.
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

/// The error for an answer that is not in this API's form.
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

/// The innermost reason: the outer ones repeat the request, not what went wrong.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        // Without a source the text of the error itself may name the address, which is said already.
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
    fn what_passes_by_itself_is_told_from_what_does_not() {
        assert!(refusal(429, "rate_limited").is_transient());
        assert!(refusal(503, "unavailable").is_transient());
        for (status, code) in [(429, "quota_exceeded"), (400, "validation_failed"), (409, "conflict")] {
            assert!(!refusal(status, code).is_transient(), "{status} {code}");
        }
        assert!(foreign("http://x", StatusCode::BAD_GATEWAY, b"<html>").is_transient());
        assert!(!foreign("http://x", StatusCode::OK, b"<html>").is_transient());
    }
}
