//! What became of each row.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{RowCode, RowStatus};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// The row's number in the file, from 1.
    pub row: u64,
    /// The uploaded value of the key column, else of the id column.
    #[schema(required, example = "ada@example.com")]
    pub key: Option<String>,
    pub status: RowStatus,
    /// `created`, `updated`, `deleted` or, in a dry run, `valid`; `duplicate`, `already_exists`; `invalid`, `malformed`,
    /// `not_found`, `already_exists`, `rejected`.
    #[schema(example = "created")]
    pub code: String,
    /// What is wrong, by column and rule; null where the code says it all.
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

/// How many rows have a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeCount {
    #[schema(value_type = RowCode)]
    pub code: String,
    pub rows: i64,
}

/// Where the page stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CursorInfo {
    /// Most rows of a page.
    pub limit: usize,
    /// The `cursor` of the next page; null while there is none.
    #[schema(value_type = Option<CursorText>, required)]
    pub next_cursor: Option<String>,
}

/// The schema of a place in the rows: opaque to clients.
pub enum CursorText {}

impl PartialSchema for CursorText {
    fn schema() -> RefOr<Schema> {
        // Eight bytes in base64url: the first bit is 0, as are the two that fill up the last character.
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
