//! `GET /openapi.json` and `/docs`: the description of this API, for programs and for people. The page and everything
//! it loads are in this binary, so it needs no other host.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::error::ApiError;
use crate::state::AppState;

// By default the page sends the document to a public validator.
static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("/openapi.json").validator_url("none")));

const NO_SUCH_FILE: ApiError = ApiError::NotFound("file");

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(description))
        .routes(routes!(page))
        .route("/docs/", get(|| file("index.html")))
        .route("/docs/{*file}", get(asset))
}

/// The OpenAPI document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object)),
)]
async fn description(State(state): State<AppState>) -> Response {
    Json(&state.described.document).into_response()
}

/// Swagger UI for the OpenAPI document.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "getDocs",
    tag = "service",
    responses((status = 200, description = "A web page", content_type = "text/html", body = String)),
)]
async fn page() -> Result<Html<String>, ApiError> {
    let served = find("index.html")?;
    let page = String::from_utf8_lossy(&served.bytes).replace("=\"./", "=\"");
    // The page names its files relative to `/docs/`, but is served at `/docs` (not reported upstream to
    // utoipa-swagger-ui; remove this when it accepts a path without a slash).
    Ok(Html(page.replace("href=\"", "href=\"docs/").replace("src=\"", "src=\"docs/")))
}

async fn asset(name: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let Path(name) = name.map_err(|_| NO_SUCH_FILE)?;
    file(&name).await
}

async fn file(name: &str) -> Result<Response, ApiError> {
    let served = find(name)?;
    Ok(([(header::CONTENT_TYPE, served.content_type)], served.bytes.into_owned()).into_response())
}

fn find(name: &str) -> Result<SwaggerFile<'static>, ApiError> {
    let found = utoipa_swagger_ui::serve(name, CONFIG.clone());
    found.map_err(|error| ApiError::internal(error.to_string()))?.ok_or(NO_SUCH_FILE)
}
