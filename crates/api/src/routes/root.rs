//! `GET /`: what this is and where to go.

use axum::Json;
use axum::extract::State;
use bulk_core::config::Environment;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::envelope::{Success, success};
use crate::openapi;
use crate::state::AppState;

/// The version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(describe))
}

/// The service.
#[derive(Serialize, ToSchema)]
struct Description {
    name: &'static str,
    version: &'static str,
    /// `development`, `production` or `test`.
    #[schema(value_type = String, example = "production")]
    environment: Environment,
    /// Every route.
    #[schema(value_type = Vec<String>)]
    endpoints: &'static [String],
}

/// What this is, and where to go.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "describe",
    tag = "service",
    responses((status = 200, description = "The service", body = Success<Description>)),
)]
async fn describe(State(state): State<AppState>) -> Json<Success<Description>> {
    let environment = state.config.server.environment;
    let data =
        Description { name: "bulk-actions", version: VERSION, environment, endpoints: openapi::endpoints() };
    success("Bulk actions on CSV files", data)
}
