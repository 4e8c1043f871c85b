//! What became of a row: one status, one code, one sentence.

use serde::{Deserialize, Serialize};

use crate::entity::RecordId;

/// How a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// It did what it should.
    Success,
    /// It could not.
    Failed,
    /// It was left out on purpose.
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

/// Why a row has its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowCode {
    /// A new record was inserted.
    Created,
    /// A record was changed.
    Updated,
    /// A record was removed.
    Deleted,
    /// It would succeed (dry run).
    Valid,
    /// Its key was seen before in this file.
    Duplicate,
    /// The record exists already.
    AlreadyExists,
    /// A value breaks a rule of its column.
    Invalid,
    /// It has too few or too many fields.
    Malformed,
    /// No record has its id or key.
    NotFound,
    /// The database refused it.
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

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOutcome {
    /// How it counts.
    pub status: RowStatus,
    /// Why.
    pub code: RowCode,
    /// A sentence for a person; empty where the code says it all.
    pub message: String,
    /// The record it concerned, where there is one.
    pub record_id: Option<RecordId>,
}

impl RowOutcome {
    /// The row did what it should to the record `id`.
    #[must_use]
    pub fn success(code: RowCode, id: Option<RecordId>) -> Self {
        Self { status: RowStatus::Success, code, message: String::new(), record_id: id }
    }

    /// The row could not be carried out.
    #[must_use]
    pub fn failed(code: RowCode, message: impl Into<String>) -> Self {
        Self { status: RowStatus::Failed, code, message: message.into(), record_id: None }
    }

    /// The chunking worker had refused the row.
    #[must_use]
    pub fn refused(code: RowCode, message: impl Into<String>) -> Self {
        match code {
            RowCode::Duplicate => Self::skipped(code, message, None),
            code => Self::failed(code, message),
        }
    }

    /// The row was left out.
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
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for status in RowStatus::ALL {
            assert_eq!(RowStatus::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
