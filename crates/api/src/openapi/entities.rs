//! What the declared entities add to the document: their names, a schema for the rows of each, and examples of uploads.

use bulk_core::entity::{Column, ColumnKind, Entities, Entity};
use serde_json::json;
use utoipa::openapi::content::Content;
use utoipa::openapi::encoding::EncodingBuilder;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Schema};
use utoipa::{Modify, ToSchema};

use super::operations;
use crate::routes::entities::template_csv;
use crate::upload::{FIELDS, TABLE_TYPES};

/// Adds the entities.
pub(super) struct Declared<'a>(pub(super) &'a Entities);

impl Modify for Declared<'_> {
    fn modify(&self, document: &mut OpenApi) {
        for (.., operation) in operations(document) {
            let body = operation.request_body.as_mut();
            if let Some(RefOr::T(body)) = body
                && let Some(RefOr::T(form)) = body.content.get_mut("multipart/form-data")
            {
                complete(form, self.0);
            }
        }
        let schemas = &mut document.components.get_or_insert_default().schemas;
        schemas.extend(self.0.all().map(|entity| (row_name(entity), row(entity))));
        schemas.extend([
            named::<api_types::EntityName>(&self.0.names()),
            named::<api_types::ColumnKindName>(&ColumnKind::ALL.map(ColumnKind::as_str)),
        ]);
    }
}

/// The schema of a string that is one of these names.
fn named<T: ToSchema>(names: &[&str]) -> (String, RefOr<Schema>) {
    let mut schema = T::schema();
    if let RefOr::T(Schema::Object(text)) = &mut schema {
        text.enum_values = Some(names.iter().map(|name| (*name).into()).collect());
    }
    (T::name().into_owned(), schema)
}

/// Adds the types of a form's parts, and an example for every entity.
fn complete(form: &mut Content, entities: &Entities) {
    let part = |media_type: &str| EncodingBuilder::new().content_type(Some(media_type)).build();
    let tables: Vec<_> = ["text/csv", "text/*"].into_iter().chain(TABLE_TYPES).collect();
    form.encoding.insert("file".to_owned(), part(&tables.join(", ")));
    for field in FIELDS.iter().filter(|field| field.is_json()) {
        form.encoding.insert(field.name.to_owned(), part("application/json"));
    }
    let examples = entities.all().map(|entity| (entity.name().to_owned(), example(entity).into()));
    form.examples.extend(examples);
}

/// `ContactRow` for `contact`.
fn row_name(entity: &Entity) -> String {
    let (first, rest) = entity.name().split_at_checked(1).unwrap_or_default();
    format!("{}{rest}Row", first.to_uppercase())
}

fn row(entity: &Entity) -> RefOr<Schema> {
    let row = ObjectBuilder::new().description(Some(format!(
        "A row of a `{}` file, whose key is `{}`. Required is what a new record needs.",
        entity.name(),
        entity.key().name,
    )));
    let columns = entity.columns().iter();
    let row = columns.clone().fold(row, |row, column| row.property(&column.name, cell(column)));
    columns.filter(|column| column.required).fold(row, |row, column| row.required(&column.name)).into()
}

fn cell(column: &Column) -> ObjectBuilder {
    let cell = ObjectBuilder::new().schema_type(Type::String).description(Some(&column.rule));
    let cell = cell.examples([column.example.as_str()]);
    let known = |format| Some(SchemaFormat::KnownFormat(format));
    let custom = |format: &str| Some(SchemaFormat::Custom(format.to_owned()));
    match column.kind_name() {
        ColumnKind::Uuid => cell.format(known(KnownFormat::Uuid)),
        ColumnKind::Instant => cell.format(known(KnownFormat::DateTime)),
        ColumnKind::Date => cell.format(known(KnownFormat::Date)),
        ColumnKind::Email => cell.format(known(KnownFormat::Email)),
        ColumnKind::Decimal => cell.format(custom("decimal")),
        ColumnKind::Url => cell.format(custom("uri")),
        ColumnKind::Integer => cell.pattern(Some("^-?[0-9]+$")),
        ColumnKind::Text
        | ColumnKind::Boolean
        | ColumnKind::Choice
        | ColumnKind::Currency
        | ColumnKind::Country => cell,
    }
}

fn example(entity: &Entity) -> Example {
    let file = template_csv(entity).map(|csv| String::from_utf8_lossy(&csv).into_owned()).unwrap_or_default();
    let value = json!({ "file": file, "entityType": entity.name(), "actionType": "bulk_upsert" });
    ExampleBuilder::new().summary(format!("A {} file", entity.name())).value(Some(value)).build()
}
