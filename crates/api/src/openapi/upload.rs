//! Schemas of uploads, derived from the entities' declarations.

use bulk_core::entity::{Column, ColumnKind, Entities, Entity};
use csv_intake::HeaderLine;
use serde_json::{Map, Value, json};

use crate::routes::entities::template_csv;

/// Types that are accepted for a file with any name.
const FILE_TYPES: &str = "text/csv, text/*, application/csv, application/vnd.ms-excel, application/octet-stream, \
    application/gzip, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Adds the body of the upload and a schema for the rows of every entity.
pub(super) fn describe(document: &mut Value, entities: &Entities) {
    for entity in entities.all() {
        document["components"]["schemas"][row_name(entity)] = row(entity);
    }
    document["components"]["schemas"]["EntityType"]["enum"] = json!(entities.names());
    let kinds = ColumnKind::ALL.map(ColumnKind::as_str);
    document["components"]["schemas"]["ColumnType"]["enum"] = json!(kinds);
    document["components"]["schemas"]["Upload"] =
        fields(entities, "The fields of an upload, in any order.", &["file", "entityType", "actionType"]);
    document["components"]["schemas"]["Inspection"] = fields(
        entities,
        "The fields of an upload, in any order, with the file or at least its first 256 KiB.",
        &["file", "entityType"],
    );
    document["paths"]["/uploads/inspect"]["post"]["requestBody"] = body("Inspection", entities);
    document["paths"]["/bulk-actions"]["post"]["requestBody"] = body("Upload", entities);
}

fn body(schema: &str, entities: &Entities) -> Value {
    json!({
        "required": true,
        "content": { "multipart/form-data": {
            "schema": reference(schema),
            "encoding": {
                "file": { "contentType": FILE_TYPES },
                "mapping": { "contentType": "application/json" },
                "defaults": { "contentType": "application/json" },
            },
            "examples": entities.all().map(|entity| example(entity)).collect::<Map<_, _>>(),
        } },
    })
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

/// The fields of a form with a file.
fn fields(entities: &Entities, description: &str, required: &[&str]) -> Value {
    let rows: Vec<_> = entities.all().map(|entity| format!("`{}`", row_name(entity))).collect();
    json!({
        "type": "object",
        "description": description,
        "required": required,
        "additionalProperties": false,
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "contentMediaType": "text/csv",
                "description": format!(
                    "CSV with a header line, or the same gzipped, or a workbook (`.xlsx`). The content decides; the \
                    media type or the name only has to allow it. For the columns see {}.",
                    rows.join(", "),
                ),
            },
            "entityType": reference("EntityType"),
            "actionType": reference("ActionType"),
            "scheduledAt": {
                "type": "string",
                "format": "date-time",
                "description": "Start time, if not immediately: an instant in the future",
            },
            "deduplicate": {
                "type": "boolean",
                "default": false,
                "description": "Later rows with a key seen before in this file are skipped",
            },
            "onConflict": reference("OnConflict"),
            "mapping": {
                "type": "object",
                "additionalProperties": { "type": ["string", "null"] },
                "description": "Maps CSV headers, or positions such as `#3`, to entity columns, or to null to ignore a column; as \
                    JSON",
            },
            "unknownColumns": reference("UnknownColumns"),
            "defaults": {
                "type": "object",
                "additionalProperties": { "type": ["string", "number", "boolean"] },
                "description": "Maps entity columns that the file does not have to values for every row; as JSON",
            },
            "emptyCells": reference("EmptyCells"),
            "shortRows": reference("ShortRows"),
            "encoding": {
                "type": "string",
                "description": "Encoding by a label of the Encoding Standard; not needed for UTF-8 or with a byte order mark",
                "examples": ["windows-1252"],
            },
            "delimiter": {
                "type": "string",
                "enum": [",", ";", "\t", "\\t", "|"],
                "description": "Delimiter, if it cannot be detected from the first lines",
            },
            "headerLine": {
                "type": "integer",
                "minimum": 1,
                "maximum": HeaderLine::MAX,
                "description": "Line of the file, or row of the sheet, on which the names of the columns stand, if not the first \
                    one that is not blank. Those above it are left out",
                "examples": [3],
            },
            "timezone": {
                "type": "string",
                "description": "IANA time zone of dates and times without an offset",
                "examples": ["Europe/Berlin"],
            },
            "decimal": reference("DecimalMark"),
            "sheet": { "type": "string", "description": "Sheet of a workbook, if not the first visible one" },
            "dryRun": {
                "type": "boolean",
                "default": false,
                "description": "Compute the outcome of every row without changing any record",
            },
        },
    })
}

fn example(entity: &Entity) -> (String, Value) {
    let file = template_csv(entity).map(|csv| String::from_utf8_lossy(&csv).into_owned()).unwrap_or_default();
    let value = json!({ "file": file, "entityType": entity.name(), "actionType": "bulk_upsert" });
    (entity.name().to_owned(), json!({ "summary": format!("A {} file", entity.name()), "value": value }))
}
