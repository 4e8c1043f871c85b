//! The OpenAPI 3.1 description of this API. It is made from the same list of routes as the router and from the
//! handlers' own descriptions, and completed with the parts that all routes share ([`complete`]) and the entities
//! ([`upload`]).

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

/// The parts of the document that belong to no route.
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
        (name = "bulk actions", description = "Upload, watch and control; only the caller's own actions"),
        (name = "entities", description = "What can be uploaded"),
        (name = "session", description = "A browser's session, for the page at `/app`"),
        (name = "service", description = "Description and health of the service"),
    ),
    // Routes only reference the schemas of their bodies.
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

/// The complete document of a service with these entities.
pub(crate) fn document(entities: &Entities) -> Value {
    let groups = routes::groups();
    let described = OpenApiRouter::<AppState>::with_openapi(Frame::openapi())
        .merge(groups.open)
        .merge(groups.owned)
        .merge(groups.streaming)
        .merge(groups.probes);
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
