//! `GET /entities…`: what can be uploaded. Derived from the entities' declarations, the same for every account, so it
//! asks nobody who they are.

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bulk_core::action::{ActionType, OnConflict};
use bulk_core::entity::{self, Column, EntityType};
use serde::Serialize;

use crate::envelope::Success;
use crate::error::ApiError;
use crate::state::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/entities", get(list)).route("/entities/{type}/template.csv", get(template))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntityView {
    #[serde(rename = "type")]
    name: &'static str,
    key: &'static str,
    columns: &'static [Column],
    action_types: [ActionType; 4],
    on_conflict: [OnConflict; 3],
    template_url: String,
}

impl EntityView {
    fn of(entity: &dyn EntityType) -> Self {
        Self {
            name: entity.name(),
            key: entity.key().name,
            columns: entity.columns(),
            action_types: ActionType::ALL,
            on_conflict: OnConflict::ALL,
            template_url: format!("/entities/{}/template.csv", entity.name()),
        }
    }
}

async fn list() -> Success<Vec<EntityView>> {
    Success::new("What can be uploaded", entity::all().iter().map(|entity| EntityView::of(*entity)).collect())
}

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
fn template_csv(entity: &dyn EntityType) -> csv::Result<Vec<u8>> {
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
