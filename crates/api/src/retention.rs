//! Availability of the parts of an action. A part expires at the announced time, even if the clean-up has not removed
//! it yet. A part that was removed stays unavailable, even if retention times are longer now.

use bulk_core::config::RetentionConfig;
use bulk_core::db::ActionRecord;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::error::ApiError;

/// Expiry of a part of an action, in the future or past; `None` if it does not expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry(pub(crate) Option<DateTime<Utc>>);

impl Expiry {
    /// Expiry of the uploaded file.
    pub(crate) fn of_file(action: &ActionRecord, kept: &RetentionConfig) -> Self {
        let by_date = action.completed_at.and_then(|ended| kept.file_expires_at(ended));
        Self(earlier(action.file_gone_at, by_date))
    }

    /// Expiry of the results.
    pub(crate) fn of_results(action: &ActionRecord, kept: &RetentionConfig) -> Self {
        let by_date = action.completed_at.and_then(|ended| kept.results_expire_at(ended));
        Self(earlier(action.results_gone_at, by_date))
    }

    /// Time of the expiry, if it has passed.
    pub(crate) fn passed(self) -> Option<DateTime<Utc>> {
        self.0.filter(|at| *at <= Utc::now())
    }
}

/// Rejects a request that needs an expired file.
///
/// # Errors
/// [`ApiError::Gone`] with the date.
pub(crate) fn require_file(action: &ActionRecord, kept: &RetentionConfig) -> Result<(), ApiError> {
    match Expiry::of_file(action, kept).passed() {
        Some(since) => Err(gone("uploaded file", since)),
        None => Ok(()),
    }
}

/// Rejects a request that needs expired results.
///
/// # Errors
/// [`ApiError::Gone`] with the date.
pub(crate) fn require_results(action: &ActionRecord, kept: &RetentionConfig) -> Result<(), ApiError> {
    match Expiry::of_results(action, kept).passed() {
        Some(since) => Err(gone("results", since)),
        None => Ok(()),
    }
}

/// A date for people, to the second.
pub(crate) fn date(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn gone(what: &str, since: DateTime<Utc>) -> ApiError {
    let verb = if what == "results" { "have" } else { "has" };
    ApiError::Gone(format!(
        "the {what} of this action {verb} been removed: kept until {}. The counts of the action remain",
        date(since)
    ))
}

fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
