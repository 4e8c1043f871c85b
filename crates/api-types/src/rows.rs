//! Outcomes of rows.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{RowCode, RowStatus};

/// Outcome of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Row number in the file, from 1.
    pub row: u64,
    /// Uploaded value of the key column, otherwise of the id column.
    #[schema(required, example = "ada@example.com")]
    pub key: Option<String>,
    pub status: RowStatus,
    /// `created`, `updated`, `deleted` or, in a dry run, `valid`; `duplicate`, `already_exists`; `invalid`, `malformed`,
    /// `not_found`, `already_exists`, `rejected`.
    #[schema(example = "created")]
    pub code: String,
    /// The problems, by column and rule; null where the code says everything.
    #[schema(required)]
    pub message: Option<String>,
    /// The uploaded values that are not empty, in the file's order; only with `values=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<UploadedValue>>,
}

/// A cell of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadedValue {
    /// The file's name for the column.
    #[schema(example = "E-Mail")]
    pub column: String,
    #[schema(example = "ada@example.com")]
    pub value: String,
}

/// Number of rows with a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeCount {
    #[schema(value_type = RowCode)]
    pub code: String,
    pub rows: i64,
}

/// Position of a page in the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CursorInfo {
    /// Maximum number of rows per page.
    pub limit: usize,
    /// The `cursor` of the next page; null if there is none yet.
    #[schema(value_type = Option<CursorText>, required)]
    pub next_cursor: Option<String>,
}

/// Schema of a position in the rows; opaque to clients.
pub enum CursorText {}

impl PartialSchema for CursorText {
    fn schema() -> RefOr<Schema> {
        // Eight bytes in base64url: the first bit is 0, and so are the two that pad the last character.
        let pattern = "^[A-Za-f][A-Za-z0-9_-]{9}[AEIMQUYcgkosw048]$";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A place in the rows."))
            .pattern(Some(pattern))
            .examples(["AAAAAAAAAGQ"])
            .into()
    }
}

impl ToSchema for CursorText {
    fn name() -> Cow<'static, str> {
        "Cursor".into()
    }
}
