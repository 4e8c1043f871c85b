//! The fields of an upload beside its file, in one list. The form reads them by it, and the OpenAPI document describes
//! them by it.

use std::borrow::Cow;

use api_types::{ActionType, DecimalMark, EmptyCells, EntityName, OnConflict, ShortRows, UnknownColumns};
use bulk_core::action::parse_timezone;
use csv_intake::HeaderLine;
use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Form, parse};

/// A field of the form.
pub(crate) struct Field {
    /// Name of its part.
    pub(crate) name: &'static str,
    /// Schema of its values, with the description.
    schema: fn() -> RefOr<Schema>,
    /// Stores a value in the form. The error is a sentence to be read after the name.
    read: fn(&mut Form, &str) -> Result<(), String>,
    /// True if white space is a value and not the same as none.
    takes_space: bool,
}

/// Every field except `file`.
pub(crate) static FIELDS: [Field; 17] = [
    Field::new("entityType", reference::<EntityName>, |form, value| {
        store(&mut form.entity, parse::entity(&form.entities, &form.account, value))
    }),
    Field::new("actionType", reference::<ActionType>, |form, value| {
        store(&mut form.action_type, parse::action_type(value))
    }),
    Field::new(
        "scheduledAt",
        || {
            let schema = text("Start time, if not immediately: an instant in the future");
            schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into()
        },
        |form, value| store(&mut form.scheduled_at, parse::start_time(value, form.may_be_late)),
    ),
    Field::new(
        "deduplicate",
        || flag("Later rows with a key seen before in this file are skipped"),
        |form, value| store(&mut form.configuration.deduplicate, parse::boolean(value)),
    ),
    Field::new("onConflict", reference::<OnConflict>, |form, value| {
        store(&mut form.configuration.on_conflict, parse::on_conflict(value))
    }),
    Field::new(
        "mapping",
        || {
            object(
                "Maps CSV headers, or positions such as `#3`, to entity columns, or to null to ignore a column; as JSON",
                [Type::String, Type::Null],
            )
        },
        |form, value| store(&mut form.configuration.mapping, parse::mapping(value)),
    ),
    Field::new("unknownColumns", reference::<UnknownColumns>, |form, value| {
        store(&mut form.configuration.intake.unknown_columns, parse::unknown_columns(value))
    }),
    Field::new(
        "defaults",
        || {
            object(
                "Maps entity columns that the file does not have to values for every row; as JSON",
                [Type::String, Type::Number, Type::Boolean],
            )
        },
        |form, value| store(&mut form.configuration.intake.defaults, parse::defaults(value)),
    ),
    Field::new("emptyCells", reference::<EmptyCells>, |form, value| {
        store(&mut form.configuration.intake.empty_cells, parse::empty_cells(value))
    }),
    Field::new("shortRows", reference::<ShortRows>, |form, value| {
        store(&mut form.configuration.intake.read.short_rows, parse::short_rows(value))
    }),
    Field::new(
        "encoding",
        || {
            let schema = text(
                "Encoding by a label of the Encoding Standard; not needed for UTF-8 or with a byte order mark",
            );
            schema.examples(["windows-1252"]).into()
        },
        |form, value| store(&mut form.configuration.intake.read.encoding, parse::encoding(value)),
    ),
    Field::new(
        "delimiter",
        || {
            let schema = text("Delimiter, if it cannot be detected from the first lines");
            schema.enum_values(Some([",", ";", "\t", "\\t", "|"])).into()
        },
        |form, value| store(&mut form.configuration.intake.read.delimiter, parse::delimiter(value)),
    )
    .taking_space(),
    Field::new(
        "headerLine",
        || {
            let description = "Line of the file, or row of the sheet, on which the names of the columns stand, if not the \
                first one that is not blank. Those above it are left out";
            let schema = ObjectBuilder::new().schema_type(Type::Integer).description(Some(description));
            schema.minimum(Some(1)).maximum(Some(HeaderLine::MAX)).examples([3]).into()
        },
        |form, value| store(&mut form.configuration.intake.read.header_line, parse::header_line(value)),
    ),
    Field::new(
        "timezone",
        || text("IANA time zone of dates and times without an offset").examples(["Europe/Berlin"]).into(),
        |form, value| {
            let zone = parse_timezone(value);
            let zone = zone.ok_or_else(|| "must be a time zone such as Europe/Berlin or UTC".to_owned());
            store(&mut form.configuration.intake.values.timezone, zone)
        },
    ),
    Field::new("decimal", reference::<DecimalMark>, |form, value| {
        store(&mut form.configuration.intake.values.decimal, parse::decimal(value))
    }),
    Field::new(
        "sheet",
        || text("Sheet of a workbook, if not the first visible one").into(),
        |form, value| store(&mut form.configuration.intake.sheet, Ok(value.to_owned())),
    ),
    Field::new(
        "dryRun",
        || flag("Compute the outcome of every row without changing any record"),
        |form, value| store(&mut form.configuration.dry_run, parse::boolean(value)),
    ),
];

impl Field {
    const fn new(
        name: &'static str,
        schema: fn() -> RefOr<Schema>,
        read: fn(&mut Form, &str) -> Result<(), String>,
    ) -> Self {
        Self { name, schema, read, takes_space: false }
    }

    const fn taking_space(self) -> Self {
        Self { takes_space: true, ..self }
    }

    /// True if its values are JSON objects.
    pub(crate) fn is_json(&self) -> bool {
        let object = SchemaType::new(Type::Object);
        matches!((self.schema)(), RefOr::T(Schema::Object(schema)) if schema.schema_type == object)
    }

    /// The field called `name`, if there is one.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }

    /// Stores a value in the form. An empty value counts as absent, since forms send empty fields.
    ///
    /// # Errors
    /// A sentence to be read after the field's name.
    pub(super) fn read(&self, form: &mut Form, value: &str) -> Result<(), String> {
        let value = if self.takes_space { value } else { value.trim() };
        if value.is_empty() { Ok(()) } else { (self.read)(form, value) }
    }
}

fn store<T>(place: &mut T, value: Result<impl Into<T>, String>) -> Result<(), String> {
    *place = value?.into();
    Ok(())
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn flag(description: &str) -> RefOr<Schema> {
    let schema = ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into()));
    schema.description(Some(description)).into()
}

/// A JSON object from any name to a value of one of the types.
fn object<const N: usize>(description: &str, types: [Type; N]) -> RefOr<Schema> {
    let value = ObjectBuilder::new().schema_type(SchemaType::from_iter(types));
    ObjectBuilder::new().description(Some(description)).additional_properties(Some(value)).into()
}

/// Body of an upload, for the OpenAPI document.
pub(crate) enum UploadForm {}

impl PartialSchema for UploadForm {
    fn schema() -> RefOr<Schema> {
        form("The fields of an upload, in any order.", &["file", "entityType", "actionType"])
    }
}

impl ToSchema for UploadForm {
    fn name() -> Cow<'static, str> {
        "Upload".into()
    }
}

/// Body of an inspection, for the OpenAPI document.
pub(crate) enum InspectionForm {}

impl PartialSchema for InspectionForm {
    fn schema() -> RefOr<Schema> {
        form(
            "The fields of an upload, in any order, with the file or at least its first 256 KiB.",
            &["file", "entityType"],
        )
    }
}

impl ToSchema for InspectionForm {
    fn name() -> Cow<'static, str> {
        "Inspection".into()
    }
}

fn form(description: &str, required: &[&str]) -> RefOr<Schema> {
    let file = text(
        "CSV with a header line, or the same gzipped, or a workbook (`.xlsx`). The content decides; the media type or the \
         name only has to allow it. The columns are those of the entity's row: of `ContactRow` for `contact`.",
    );
    let file =
        file.format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).content_media_type("text/csv");
    let form = ObjectBuilder::new()
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .property("file", file);
    let form = FIELDS.iter().fold(form, |form, field| form.property(field.name, (field.schema)()));
    required.iter().fold(form, |form, name| form.required(*name)).into()
}
