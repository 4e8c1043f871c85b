//! What can be uploaded, from the entities' declarations.

use bulk_core::entity::{Column, ColumnKind, Entities, Entity};
use serde_json::{Map, Value, json};

use crate::routes::entities::template_csv;

/// The types under which a file is taken whatever its name is.
const FILE_TYPES: &str = "text/csv, application/csv, text/plain, application/vnd.ms-excel";

/// Adds a schema for the rows of every entity, and the body of the upload.
pub(super) fn describe(document: &mut Value, entities: &Entities) {
    for entity in entities.all() {
        document["components"]["schemas"][row_name(entity)] = row(entity);
    }
    document["components"]["schemas"]["EntityType"]["enum"] = json!(entities.names());
    document["components"]["schemas"]["Upload"] = upload(entities);
    document["paths"]["/bulk-actions"]["post"]["requestBody"] = json!({
        "required": true,
        "content": { "multipart/form-data": {
            "schema": reference("Upload"),
            "encoding": {
                "file": { "contentType": FILE_TYPES },
                "mapping": { "contentType": "application/json" },
            },
            "examples": entities.all().map(|entity| example(entity)).collect::<Map<_, _>>(),
        } },
    });
}

/// `ContactRow` for `contact`.
fn row_name(entity: &Entity) -> String {
    let (first, rest) = entity.name().split_at_checked(1).unwrap_or_default();
    format!("{}{rest}Row", first.to_uppercase())
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn row(entity: &Entity) -> Value {
    let columns = entity.columns();
    let properties: Map<_, _> = columns.iter().map(|column| (column.name.clone(), cell(column))).collect();
    let required: Vec<_> =
        columns.iter().filter(|column| column.required).map(|column| &column.name).collect();
    json!({
        "type": "object",
        "description": format!(
            "A row of a `{}` file, whose key is `{}`. Required is what a new record needs.",
            entity.name(),
            entity.key().name,
        ),
        "properties": properties,
        "required": required,
    })
}

fn cell(column: &Column) -> Value {
    let mut cell = json!({ "type": "string", "description": column.rule, "examples": [column.example] });
    match column.kind_name() {
        ColumnKind::Uuid => cell["format"] = "uuid".into(),
        ColumnKind::Instant => cell["format"] = "date-time".into(),
        ColumnKind::Decimal => cell["format"] = "decimal".into(),
        ColumnKind::Integer => cell["pattern"] = "^-?[0-9]+$".into(),
        ColumnKind::Date => cell["format"] = "date".into(),
        ColumnKind::Email => cell["format"] = "email".into(),
        ColumnKind::Url => cell["format"] = "uri".into(),
        ColumnKind::Text
        | ColumnKind::Boolean
        | ColumnKind::Choice
        | ColumnKind::Currency
        | ColumnKind::Country => {}
    }
    cell
}

fn upload(entities: &Entities) -> Value {
    let rows: Vec<_> = entities.all().map(|entity| format!("`{}`", row_name(entity))).collect();
    json!({
        "type": "object",
        "description": "The fields of an upload, in any order.",
        "required": ["file", "entityType", "actionType"],
        "additionalProperties": false,
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "contentMediaType": "text/csv",
                "description": format!(
                    "CSV with a header line, or the same gzipped (`.csv.gz`, then as application/gzip too); as \
                    application/octet-stream with such a name. For the columns see {}.",
                    rows.join(", "),
                ),
            },
            "entityType": reference("EntityType"),
            "actionType": reference("ActionType"),
            "scheduledAt": {
                "type": "string",
                "format": "date-time",
                "description": "When to begin, if not at once: an instant in the future",
            },
            "deduplicate": {
                "type": "boolean",
                "default": false,
                "description": "Later rows with a key seen before in this file are skipped",
            },
            "onConflict": reference("OnConflict"),
            "mapping": {
                "type": "object",
                "additionalProperties": { "type": "string" },
                "description": "CSV header to entity column, where they differ; as JSON",
            },
            "dryRun": {
                "type": "boolean",
                "default": false,
                "description": "Every row gets its outcome, but no record is changed",
            },
        },
    })
}

fn example(entity: &Entity) -> (String, Value) {
    let file = template_csv(entity).map(|csv| String::from_utf8_lossy(&csv).into_owned()).unwrap_or_default();
    let value = json!({ "file": file, "entityType": entity.name(), "actionType": "bulk_upsert" });
    (entity.name().to_owned(), json!({ "summary": format!("A {} file", entity.name()), "value": value }))
}
