//! The description of this API in OpenAPI 3.1: put together from the handlers' own descriptions, so that no route is without
//! one, and completed with what holds for all of them ([`complete`]) and what the entity registry says ([`upload`]).

mod complete;
mod names;
mod upload;

pub(crate) use names::{IdempotencyKeyText, ResultStatusName, ServerSentEvent};

use std::sync::LazyLock;

use bulk_core::entity::Entities;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::envelope::Failure;
use crate::routes;
use crate::state::AppState;

/// What is no route's own.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bulk actions",
        description = "Upload a CSV file of records, say what to do with them, and get exactly one outcome for every row.\n\n\
            Every JSON answer has one envelope, and every answer the header `X-Trace-ID`. Callers carry a bearer token or, \
            where the service runs with `AUTH_MODE=header`, the header `account-id`; a browser may carry the cookie of \
            `POST /session` instead.",
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "bulk actions", description = "Upload, follow and steer; only ever the caller's own"),
        (name = "entities", description = "What can be uploaded"),
        (name = "session", description = "A browser's session, for the page at `/app`"),
        (name = "service", description = "What this is, and whether it is well"),
    ),
    // The routes name only what their bodies hold.
    components(schemas(Failure, IdempotencyKeyText, ResultStatusName)),
)]
struct Frame;

static ENDPOINTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let document = document(&Entities::built_in());
    let named = operations(&document).map(|(path, method, _)| format!("{} {path}", method.to_uppercase()));
    named.collect()
});

/// Every route, as `GET /path`.
pub(crate) fn endpoints() -> &'static [String] {
    &ENDPOINTS
}

/// The whole document of a service with these entities.
pub(crate) fn document(entities: &Entities) -> Value {
    let described = OpenApiRouter::<AppState>::with_openapi(Frame::openapi())
        .merge(routes::root::router())
        .merge(routes::docs::router())
        .merge(routes::entities::router())
        .merge(routes::session::router())
        .merge(routes::bulk_actions::router())
        .merge(routes::bulk_actions::streaming_router())
        .merge(routes::uploads::router())
        .merge(routes::health::router())
        .merge(routes::metrics::router());
    let mut document = serde_json::to_value(described.into_openapi()).unwrap_or_default();
    upload::describe(&mut document, entities);
    complete::complete(&mut document);
    document
}

/// Path, method and description of every operation.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[cfg(test)]
mod tests;
