//! `GET /entities…`: what can be uploaded. Derived from the entities' declarations, the same for every account, so it
//! asks nobody who they are.

use api_types::{ColumnView, EntityName, EntityView};
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bulk_core::entity::{self, Column, EntityType};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(template))
}

fn entity_view(entity: &dyn EntityType) -> EntityView {
    EntityView {
        name: entity.name().to_owned(),
        key: entity.key().name.to_owned(),
        columns: entity.columns().iter().map(column_view).collect(),
        action_types: api_types::ActionType::ALL.to_vec(),
        on_conflict: api_types::OnConflict::ALL.to_vec(),
        template_url: format!("/entities/{}/template.csv", entity.name()),
    }
}

fn column_view(column: &Column) -> ColumnView {
    ColumnView {
        name: column.name.to_owned(),
        kind: column.kind.as_str().to_owned(),
        required: column.required,
        rule: column.rule.to_owned(),
        example: column.example.to_owned(),
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
async fn list() -> Json<Success<Vec<EntityView>>> {
    success("What can be uploaded", entity::all().iter().map(|entity| entity_view(*entity)).collect())
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
