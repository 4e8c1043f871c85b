//! Values that are one of several names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Declares an enum whose variants have names in the API, with a schema that lists them.
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
    /// The state of an action.
    ActionStatus {
        /// Waits for its time.
        Scheduled = "scheduled",
        /// Waits for a worker.
        Queued = "queued",
        /// Its file is being read.
        Validating = "validating",
        /// Its rows are being applied.
        Processing = "processing",
        /// Every row has an outcome.
        Completed = "completed",
        /// Held by its owner.
        Paused = "paused",
        /// Stopped by its owner.
        Cancelled = "cancelled",
        /// Could not be carried to its end.
        Failed = "failed",
    }

    /// What an action does with each row.
    ActionType {
        /// Inserts new records.
        Create = "bulk_create",
        /// Changes records that exist.
        Update = "bulk_update",
        /// Changes records that exist, inserts the others.
        Upsert = "bulk_upsert",
        /// Removes records.
        Delete = "bulk_delete",
    }

    /// What `bulk_create` does with a record that already exists.
    OnConflict {
        /// Skips the row.
        Skip = "skip",
        /// Fails the row.
        Error = "error",
        /// Updates the record.
        Update = "update",
    }

    /// What becomes of columns that are neither mapped nor the entity's.
    UnknownColumns {
        /// They refuse the file.
        Refuse = "refuse",
        /// They are left out.
        Ignore = "ignore",
    }

    /// Whether an empty cell leaves the stored value or removes it.
    EmptyCells {
        /// It leaves it.
        Keep = "keep",
        /// It removes it.
        Clear = "clear",
    }

    /// What a row with missing last cells is.
    ShortRows {
        /// A row that fails.
        Fail = "fail",
        /// A row whose last cells are empty.
        Fill = "fill",
    }

    /// What separates the whole part of a number from the rest.
    DecimalMark {
        /// `1234.5`
        Point = "point",
        /// `1234,5`
        Comma = "comma",
    }

    /// How a completed action went.
    Outcome {
        /// No row failed.
        Success = "success",
        /// Some rows failed.
        Partial = "partial",
        /// Every row failed.
        Failure = "failure",
    }

    /// How a row went.
    RowStatus {
        /// It did what it should.
        Success = "success",
        /// It could not be carried out.
        Failed = "failed",
        /// It was left out on purpose.
        Skipped = "skipped",
    }

    /// Why a row went as it did.
    RowCode {
        /// A new record was inserted.
        Created = "created",
        /// A record was changed.
        Updated = "updated",
        /// A record was removed.
        Deleted = "deleted",
        /// It would succeed (dry run).
        Valid = "valid",
        /// Its key was seen before in this file.
        Duplicate = "duplicate",
        /// The record exists already.
        AlreadyExists = "already_exists",
        /// A value breaks a rule of its column.
        Invalid = "invalid",
        /// It has too few or too many fields.
        Malformed = "malformed",
        /// No record has its id or key.
        NotFound = "not_found",
        /// The database refused it.
        Rejected = "rejected",
    }
}

impl ActionStatus {
    /// Completed, cancelled or failed.
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
