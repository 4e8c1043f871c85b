//! `GET /entities…`: the entities that can be uploaded. Derived from their declarations and equal for every account, so
//! no authentication is needed.

use std::sync::Arc;

use api_types::{ColumnView, EntityName, EntityView};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::action::{ActionType, OnConflict};
use bulk_core::entity::{Column, Entity};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::state::AppState;
use crate::vocabulary::InApi as _;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(template))
}

fn entity_view(entity: &Entity) -> EntityView {
    EntityView {
        name: entity.name().to_owned(),
        key: entity.key().name.clone(),
        columns: entity.columns().iter().map(column_view).collect(),
        action_types: ActionType::ALL.map(ActionType::in_api).to_vec(),
        on_conflict: OnConflict::ALL.map(OnConflict::in_api).to_vec(),
        template_url: format!("/entities/{}/template.csv", entity.name()),
    }
}

fn column_view(column: &Column) -> ColumnView {
    ColumnView {
        name: column.name.clone(),
        kind: column.kind_name().as_str().to_owned(),
        required: column.required,
        rule: column.rule.clone(),
        example: column.example.clone(),
        aliases: column.aliases.clone(),
    }
}

/// Lists every entity with its columns and their rules. The same for every account.
#[utoipa::path(
    get,
    path = "/entities",
    operation_id = "listEntities",
    tag = "entities",
    responses((status = 200, description = "Every entity", body = Success<Vec<EntityView>>)),
)]
async fn list(State(state): State<AppState>) -> Json<Success<Vec<EntityView>>> {
    let views = state.entities.all().map(|entity| entity_view(entity)).collect();
    success("What can be uploaded", views)
}

/// Shows one entity with its columns and their rules.
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
) -> Result<Json<Success<EntityView>>, ApiError> {
    let entity = find(&state, name)?;
    Ok(success("What can be uploaded", entity_view(&entity)))
}

/// Finds an entity by name. A name that is not text is not found either.
fn find(state: &AppState, name: Result<Path<String>, PathRejection>) -> Result<Arc<Entity>, ApiError> {
    let name = name.ok().map(|Path(name)| name);
    name.and_then(|name| state.entities.find(&name).cloned()).ok_or(ApiError::NotFound("entity"))
}

/// Downloads a CSV template: the header and one valid row.
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

/// The header and one valid row. A new record has no id yet, so the example has none either.
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
