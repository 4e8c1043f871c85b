//! `GET /entities…`: what can be uploaded. Derived from the entities' declarations, the same for every account, so it
//! asks nobody who they are.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::action::{ActionType, OnConflict};
use bulk_core::entity::{Column, ColumnKind, Entity};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::envelope::Success;
use crate::error::ApiError;
use crate::openapi::{ActionTypeName, ColumnKindName, EntityName, OnConflictName};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(template))
}

/// A kind of record that can be uploaded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntityView {
    #[serde(rename = "type")]
    #[schema(value_type = EntityName)]
    name: String,
    /// The column by which a row finds its record where it has no id.
    #[schema(example = "email")]
    key: String,
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
    name: String,
    #[serde(rename = "type")]
    #[schema(value_type = ColumnKindName)]
    kind: ColumnKind,
    /// A new record needs it.
    required: bool,
    /// The rules for its values, as a sentence.
    rule: String,
    /// A value that passes.
    example: String,
    /// Other names by which a header may call it.
    aliases: Vec<String>,
}

impl From<&Column> for ColumnView {
    fn from(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            kind: column.kind_name(),
            required: column.required,
            rule: column.rule.clone(),
            example: column.example.clone(),
            aliases: column.aliases.clone(),
        }
    }
}

impl EntityView {
    fn of(entity: &Entity) -> Self {
        Self {
            name: entity.name().to_owned(),
            key: entity.key().name.clone(),
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
async fn list(State(state): State<AppState>) -> Success<Vec<EntityView>> {
    let views = state.entities.all().map(|entity| EntityView::of(entity)).collect();
    Success::new("What can be uploaded", views)
}

/// One entity with its columns and their rules.
#[utoipa::path(
    get,
    path = "/entities/{type}",
    operation_id = "getEntity",
    tag = "entities",
    params(("type" = EntityName, Path, description = "The entity")),
    responses((status = 200, description = "The entity", body = Success<EntityView>)),
)]
async fn show(
    State(state): State<AppState>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Success<EntityView>, ApiError> {
    let entity = find(&state, name)?;
    Ok(Success::new("What can be uploaded", EntityView::of(&entity)))
}

/// A name that is no text cannot be found either.
fn find(state: &AppState, name: Result<Path<String>, PathRejection>) -> Result<Arc<Entity>, ApiError> {
    let name = name.ok().map(|Path(name)| name);
    name.and_then(|name| state.entities.find(&name).cloned()).ok_or(ApiError::NotFound("entity"))
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
async fn template(
    State(state): State<AppState>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let entity = find(&state, name)?;
    let csv = template_csv(&entity).map_err(ApiError::internal)?;
    let disposition = format!("attachment; filename=\"{}-template.csv\"", entity.name());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, csv).into_response())
}

/// The header and one row that passes. A new record has no id yet, so the example has none either.
pub(crate) fn template_csv(entity: &Entity) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(entity.columns().iter().map(|column| &column.name))?;
    let is_given = |place: usize| place != Entity::ID_COLUMN || entity.columns()[place].required;
    let cell = |(place, column): (usize, &'_ Column)| {
        if is_given(place) { column.example.clone() } else { String::new() }
    };
    writer.write_record(entity.columns().iter().enumerate().map(cell))?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use bulk_core::entity::Entities;

    use super::*;

    #[test]
    fn a_template_has_every_column_and_an_example() {
        let entities = Entities::built_in();
        let text = String::from_utf8(template_csv(entities.find("contact").unwrap()).unwrap()).unwrap();
        assert_eq!(text, "id,email,name,age\n,ada@example.com,Ada Lovelace,36\n");
    }
}
