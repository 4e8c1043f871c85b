//! `GET /entities…`: what can be uploaded. Derived from the entities' declarations, the same for every account, so it
//! asks nobody who they are.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::action::{ActionType, OnConflict};
use bulk_core::entity::{self, Column, ColumnKind, EntityType};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::envelope::Success;
use crate::error::ApiError;
use crate::openapi::{ActionTypeName, ColumnKindName, EntityName, OnConflictName};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(template))
}

/// A kind of record that can be uploaded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntityView {
    #[serde(rename = "type")]
    #[schema(value_type = EntityName)]
    name: &'static str,
    /// The column by which a row finds its record where it has no id.
    #[schema(example = "email")]
    key: &'static str,
    columns: Vec<ColumnView>,
    #[schema(value_type = Vec<ActionTypeName>)]
    action_types: [ActionType; 4],
    #[schema(value_type = Vec<OnConflictName>)]
    on_conflict: [OnConflict; 3],
    #[schema(example = "/entities/contact/template.csv")]
    template_url: String,
}

/// A column of its files.
#[derive(Serialize, ToSchema)]
struct ColumnView {
    name: &'static str,
    #[serde(rename = "type")]
    #[schema(value_type = ColumnKindName)]
    kind: ColumnKind,
    /// A new record needs it.
    required: bool,
    /// The rules for its values, as a sentence.
    rule: &'static str,
    /// A value that passes.
    example: &'static str,
}

impl From<&Column> for ColumnView {
    fn from(column: &Column) -> Self {
        let Column { name, kind, required, rule, example } = *column;
        Self { name, kind, required, rule, example }
    }
}

impl EntityView {
    fn of(entity: &dyn EntityType) -> Self {
        Self {
            name: entity.name(),
            key: entity.key().name,
            columns: entity.columns().iter().map(ColumnView::from).collect(),
            action_types: ActionType::ALL,
            on_conflict: OnConflict::ALL,
            template_url: format!("/entities/{}/template.csv", entity.name()),
        }
    }
}

/// What can be uploaded: every entity with its columns and their rules. The same for every account.
#[utoipa::path(
    get,
    path = "/entities",
    operation_id = "listEntities",
    tag = "entities",
    responses((status = 200, description = "Every entity", body = Success<Vec<EntityView>>)),
)]
async fn list() -> Success<Vec<EntityView>> {
    Success::new("What can be uploaded", entity::all().iter().map(|entity| EntityView::of(*entity)).collect())
}

/// A CSV file to start from: the header, and one row that passes.
#[utoipa::path(
    get,
    path = "/entities/{type}/template.csv",
    operation_id = "getEntityTemplate",
    tag = "entities",
    params(("type" = EntityName, Path, description = "The entity")),
    responses((
        status = 200,
        description = "The file",
        content_type = "text/csv",
        body = String,
        headers(("Content-Disposition" = String, description = "A name for the file")),
    )),
)]
async fn template(name: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    // A name that is no text cannot be found either.
    let name = name.ok().map(|Path(name)| name);
    let entity = name.and_then(|name| entity::find(&name)).ok_or(ApiError::NotFound("entity"))?;
    let csv = template_csv(entity).map_err(ApiError::internal)?;
    let disposition = format!("attachment; filename=\"{}-template.csv\"", entity.name());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, csv).into_response())
}

/// The header and one row that passes. A new record has no id yet, so the example has none either.
pub(crate) fn template_csv(entity: &dyn EntityType) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(entity.columns().iter().map(|column| column.name))?;
    let cell = |column: &Column| if column.name == "id" { "" } else { column.example };
    writer.write_record(entity.columns().iter().map(cell))?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_every_column_and_an_example() {
        let contact = entity::find("contact").unwrap();
        let text = String::from_utf8(template_csv(contact).unwrap()).unwrap();
        assert_eq!(text, "id,email,name,age\n,ada@example.com,Ada Lovelace,36\n");
    }
}
