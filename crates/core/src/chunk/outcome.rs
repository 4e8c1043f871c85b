//! Outcome of a row: a status, a code and a message.

use std::fmt;

use uuid::Uuid;

/// Id of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordId {
    /// A UUID.
    Uuid(Uuid),
    /// A number.
    Bigint(i64),
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(id) => id.fmt(f),
            Self::Bigint(id) => id.fmt(f),
        }
    }
}

/// Counter that a row adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowStatus {
    /// The row was applied.
    Success,
    /// The row failed; the code says why.
    Failed,
    /// The row was skipped on purpose.
    Skipped,
}

impl RowStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failed, Self::Skipped];

    /// The name used in the API and in result files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The status called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// Reason for a row's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowCode {
    /// A new record was inserted.
    Created,
    /// A record was changed.
    Updated,
    /// A record was removed.
    Deleted,
    /// The row would succeed (dry run).
    Valid,
    /// The key occurred earlier in this file.
    Duplicate,
    /// The record exists already.
    AlreadyExists,
    /// A value breaks a rule of its column.
    Invalid,
    /// The row has too few or too many fields.
    Malformed,
    /// No record has the row's id or key.
    NotFound,
    /// The database refused the row.
    Rejected,
}

impl RowCode {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Valid,
        Self::Duplicate,
        Self::AlreadyExists,
        Self::Invalid,
        Self::Malformed,
        Self::NotFound,
        Self::Rejected,
    ];

    /// The name used in the API and in result files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Valid => "valid",
            Self::Duplicate => "duplicate",
            Self::AlreadyExists => "already_exists",
            Self::Invalid => "invalid",
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::Rejected => "rejected",
        }
    }

    /// The code called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// Outcome of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOutcome {
    /// Counter that the row adds to.
    pub status: RowStatus,
    /// Reason for the status.
    pub code: RowCode,
    /// Message for a person; empty where the code says everything.
    pub message: String,
    /// The affected record, if any.
    pub record_id: Option<RecordId>,
}

impl RowOutcome {
    /// The row was applied to the record `id`.
    #[must_use]
    pub fn success(code: RowCode, id: Option<RecordId>) -> Self {
        Self { status: RowStatus::Success, code, message: String::new(), record_id: id }
    }

    /// The row failed.
    #[must_use]
    pub fn failed(code: RowCode, message: impl Into<String>) -> Self {
        Self { status: RowStatus::Failed, code, message: message.into(), record_id: None }
    }

    /// The chunking worker refused the row.
    #[must_use]
    pub fn refused(code: RowCode, message: impl Into<String>) -> Self {
        match code {
            RowCode::Duplicate => Self::skipped(code, message, None),
            code => Self::failed(code, message),
        }
    }

    /// The row was skipped.
    #[must_use]
    pub fn skipped(code: RowCode, message: impl Into<String>, id: Option<RecordId>) -> Self {
        Self { status: RowStatus::Skipped, code, message: message.into(), record_id: id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for code in RowCode::ALL {
            assert_eq!(RowCode::parse(code.as_str()), Some(code));
        }
        for status in RowStatus::ALL {
            assert_eq!(RowStatus::parse(status.as_str()), Some(status));
        }
    }
}
