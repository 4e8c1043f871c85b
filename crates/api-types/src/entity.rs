//! Entities that can be uploaded. They are declared where the service runs, so entity names and column types are
//! strings here; the service adds the actual names to their schemas.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{ActionType, OnConflict};

/// A kind of record that can be uploaded.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntityView {
    #[serde(rename = "type")]
    #[schema(value_type = EntityName)]
    pub name: String,
    /// Column that identifies the record of a row without an id.
    #[schema(example = "email")]
    pub key: String,
    pub columns: Vec<ColumnView>,
    pub action_types: Vec<ActionType>,
    pub on_conflict: Vec<OnConflict>,
    #[schema(example = "/entities/contact/template.csv")]
    pub template_url: String,
}

/// A column of the entity's files.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ColumnView {
    pub name: String,
    #[serde(rename = "type")]
    #[schema(value_type = ColumnKindName)]
    pub kind: String,
    /// True if a new record needs a value.
    pub required: bool,
    /// The rules for its values, as a sentence.
    pub rule: String,
    /// A valid value.
    pub example: String,
    /// Alternative names in a header.
    pub aliases: Vec<String>,
}

/// Declares the schema of a string that is one of the service's names.
macro_rules! open_names {
    ($($schema:ident = $name:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        pub enum $schema {}

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).description(Some($doc)).into()
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    )*};
}

open_names! {
    EntityName = "EntityType", "A kind of record.";
    ColumnKindName = "ColumnType", "What a column's cells look like.";
}
