//! Enumerations with names in the API.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Declares an enum whose variants have API names, with a schema that lists them.
macro_rules! names {
    ($(
        #[doc = $doc:literal]
        $name:ident { $( #[doc = $about:literal] $variant:ident = $text:literal, )* }
    )*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $( #[doc = $about] #[serde(rename = $text)] $variant, )*
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[Self] = &[$( Self::$variant ),*];

            /// The name used in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($doc.trim()))
                    .enum_values(Some([$( $text ),*]))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

names! {
    /// Status of an action.
    ActionStatus {
        /// Waits for its start time.
        Scheduled = "scheduled",
        /// Waits for a worker.
        Queued = "queued",
        /// A worker reads the file; no rows have been applied yet.
        Validating = "validating",
        /// Rows are being applied.
        Processing = "processing",
        /// Every row has an outcome.
        Completed = "completed",
        /// Paused by its owner.
        Paused = "paused",
        /// Cancelled by its owner.
        Cancelled = "cancelled",
        /// Could not be completed.
        Failed = "failed",
    }

    /// Operation applied to each row.
    ActionType {
        /// Inserts new records.
        Create = "bulk_create",
        /// Updates existing records.
        Update = "bulk_update",
        /// Updates existing records and inserts the others.
        Upsert = "bulk_upsert",
        /// Deletes records.
        Delete = "bulk_delete",
    }

    /// Handling of a `bulk_create` whose record exists already.
    OnConflict {
        /// Skips the row.
        Skip = "skip",
        /// Fails the row.
        Error = "error",
        /// Updates the record.
        Update = "update",
    }

    /// Handling of columns that are neither mapped nor part of the entity.
    UnknownColumns {
        /// Rejects the file.
        Refuse = "refuse",
        /// Ignores the columns.
        Ignore = "ignore",
    }

    /// Meaning of an empty cell.
    EmptyCells {
        /// Keeps the stored value.
        Keep = "keep",
        /// Removes the stored value.
        Clear = "clear",
    }

    /// Handling of rows whose last cells are missing.
    ShortRows {
        /// The row fails.
        Fail = "fail",
        /// The missing cells count as empty.
        Fill = "fill",
    }

    /// The character between the whole part and the fraction of a number.
    DecimalMark {
        /// `1234.5`
        Point = "point",
        /// `1234,5`
        Comma = "comma",
    }

    /// Result of a completed action.
    Outcome {
        /// No row failed.
        Success = "success",
        /// Some rows failed.
        Partial = "partial",
        /// Every row failed.
        Failure = "failure",
    }

    /// Outcome of a row.
    RowStatus {
        /// The row was applied.
        Success = "success",
        /// The row failed; its code says why.
        Failed = "failed",
        /// The row was skipped on purpose.
        Skipped = "skipped",
    }

    /// Reason for the outcome of a row.
    RowCode {
        /// A new record was inserted.
        Created = "created",
        /// A record was changed.
        Updated = "updated",
        /// A record was removed.
        Deleted = "deleted",
        /// The row would succeed (dry run).
        Valid = "valid",
        /// An earlier row of the file has the same key.
        Duplicate = "duplicate",
        /// The record exists already.
        AlreadyExists = "already_exists",
        /// A value breaks a rule of its column.
        Invalid = "invalid",
        /// The row has too few or too many fields, or broken quotes.
        Malformed = "malformed",
        /// No record has the id or key of the row.
        NotFound = "not_found",
        /// The database refused the row.
        Rejected = "rejected",
    }
}

impl ActionStatus {
    /// True for completed, cancelled and failed actions.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_written_and_read_as_itself() {
        for status in ActionStatus::ALL {
            let text = format!("\"{status}\"");
            assert_eq!(serde_json::to_string(status).unwrap(), text);
            assert_eq!(serde_json::from_str::<ActionStatus>(&text).unwrap(), *status);
        }
    }
}
