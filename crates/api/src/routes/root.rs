//! `GET /`: description of the service with links. Browsers are redirected to the page.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use bulk_core::config::Environment;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Authenticator;
use crate::envelope::{Success, success};
use crate::page;
use crate::state::AppState;

/// The version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(describe))
}

/// Description of the service.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Description {
    name: &'static str,
    version: &'static str,
    /// `development`, `production` or `test`.
    #[schema(value_type = String, example = "production")]
    environment: Environment,
    /// Credential for browsers: a `token`, an `account` id, or none behind a `gateway` that authenticates.
    #[schema(value_type = String, example = "token")]
    sign_in: &'static str,
    /// Every route.
    endpoints: Vec<String>,
}

/// Describes the service, with its version and routes.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "describe",
    tag = "service",
    responses(
        (status = 200, description = "The service", body = Success<Description>),
        (status = 303, description = "Redirect to the page, for a client that prefers `text/html`"),
    ),
)]
async fn describe(State(state): State<AppState>, headers: HeaderMap) -> Response {
    // A cache must not serve the page to a program.
    let vary = [(header::VARY, "accept")];
    if state.http.page && page::prefers_html(&headers) {
        return (vary, Redirect::to(page::HOME)).into_response();
    }
    let sign_in = match state.authenticator.as_ref() {
        _ if !state.sessions.are_enabled() => "gateway",
        Authenticator::Jwt { .. } => "token",
        Authenticator::Header => "account",
    };
    let data = Description {
        name: "bulk-actions",
        version: VERSION,
        environment: state.config.server.environment,
        sign_in,
        endpoints: state.described.endpoints.clone(),
    };
    (vary, success("Bulk actions on CSV files", data)).into_response()
}
