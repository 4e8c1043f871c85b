//! Schemas of strings that have no shared type.

use api_types::RowStatus;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use utoipa::{PartialSchema, ToSchema};

use crate::routes::bulk_actions::results::UNPROCESSED;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Rows of a download to include.
pub(crate) enum ResultStatusName {}

impl PartialSchema for ResultStatusName {
    fn schema() -> RefOr<Schema> {
        let names = RowStatus::ALL.iter().map(|status| status.as_str()).chain([UNPROCESSED]);
        text()
            .description(Some("How a row went, or that it was never reached."))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for ResultStatusName {
    fn name() -> std::borrow::Cow<'static, str> {
        "ResultStatus".into()
    }
}

/// Valid values of an `Idempotency-Key`.
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
