//! Schemas of values that come from a list in the code: the list is the schema, so neither can change without the other.

use bulk_core::action::{ActionStatus, ActionType, EmptyCells, OnConflict, Outcome};
use bulk_core::chunk::{RowCode, RowStatus};
use bulk_core::entity::{ColumnKind, Entities};
use bulk_core::value::DecimalMark;
use csv_intake::ShortRows;
use csv_intake::header::UnknownColumns;
use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use utoipa::{PartialSchema, ToSchema};

use crate::envelope::Timestamp;
use crate::results::Cursor;
use crate::routes::bulk_actions::results::UNPROCESSED;

/// Declares the schema of one of several names.
macro_rules! names {
    ($($schema:ident = $name:literal, $doc:literal, $values:expr;)*) => {$(
        #[doc = $doc]
        pub(crate) enum $schema {}

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                text().description(Some($doc)).enum_values(Some($values)).into()
            }
        }

        impl ToSchema for $schema {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    )*};
}

names! {
    ActionStatusName = "ActionStatus", "The state of an action.", ActionStatus::ALL.map(ActionStatus::as_str);
    ActionTypeName = "ActionType", "What an action does with each row.", ActionType::ALL.map(ActionType::as_str);
    OnConflictName = "OnConflict", "What `bulk_create` does with a record that already exists.",
        OnConflict::ALL.map(OnConflict::as_str);
    UnknownColumnsName = "UnknownColumns", "What becomes of columns that are neither mapped nor the entity's.",
        UnknownColumns::ALL.map(UnknownColumns::as_str);
    EmptyCellsName = "EmptyCells", "Whether an empty cell leaves the stored value or removes it.",
        EmptyCells::ALL.map(EmptyCells::as_str);
    ShortRowsName = "ShortRows", "What a row with missing last cells is.", ShortRows::ALL.map(ShortRows::as_str);
    DecimalMarkName = "DecimalMark", "What separates the whole part of a number from the rest.",
        [DecimalMark::Point, DecimalMark::Comma].map(serialized);
    OutcomeName = "Outcome", "How a completed action went.",
        [Outcome::Success, Outcome::Partial, Outcome::Failure].map(serialized);
    RowStatusName = "RowStatus", "How a row went.", RowStatus::ALL.map(RowStatus::as_str);
    RowCodeName = "RowCode", "Why a row went as it did.", RowCode::ALL.map(RowCode::as_str);
    ResultStatusName = "ResultStatus", "How a row went, or that it was never reached.",
        RowStatus::ALL.map(RowStatus::as_str).into_iter().chain([UNPROCESSED]);
    EntityName = "EntityType", "A kind of record.", Entities::built_in().names();
    ColumnKindName = "ColumnType", "What a column's cells look like.", ColumnKind::ALL.map(ColumnKind::as_str);
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn serialized(value: impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// What an `Idempotency-Key` may be.
pub(crate) enum IdempotencyKeyText {}

impl PartialSchema for IdempotencyKeyText {
    fn schema() -> RefOr<Schema> {
        text().pattern(Some("^[!-~]{1,255}$")).examples(["import-2026-01-31"]).into()
    }
}

impl ToSchema for IdempotencyKeyText {
    fn name() -> std::borrow::Cow<'static, str> {
        "IdempotencyKey".into()
    }
}

/// An event of an event stream.
pub(crate) enum ServerSentEvent {}

impl PartialSchema for ServerSentEvent {
    fn schema() -> RefOr<Schema> {
        let data = "JSON: the stats with `status`; for `done` with `outcome` too";
        ObjectBuilder::new()
            .description(Some("One event of the stream."))
            .property("id", text())
            .property("event", text().enum_values(Some(["progress", "done"])))
            .property("data", text().description(Some(data)))
            .property("retry", ObjectBuilder::new().schema_type(Type::Integer))
            .required("event")
            .required("data")
            .into()
    }
}

impl ToSchema for ServerSentEvent {}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let format = utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime);
        text().format(Some(format)).examples(["2026-01-31T12:00:00.000Z"]).into()
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        // Eight bytes in base64url: the first bit is 0, as are the two that fill up the last character.
        let pattern = "^[A-Za-f][A-Za-z0-9_-]{9}[AEIMQUYcgkosw048]$";
        text()
            .description(Some("A place in the rows."))
            .pattern(Some(pattern))
            .examples(["AAAAAAAAAGQ"])
            .into()
    }
}

impl ToSchema for Cursor {}
