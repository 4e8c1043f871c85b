//! The OpenAPI 3.1 description of this API. It is made from the same list of routes as the router and from the
//! handlers' own descriptions, and completed with what all operations share ([`Shared`]) and what the declared entities
//! add ([`Declared`]).

mod entities;
mod shared;

use bulk_core::entity::Entities;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::{Modify as _, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use self::entities::Declared;
use self::shared::Shared;
use crate::envelope::Failure;
use crate::routes;
use crate::routes::bulk_actions::results::ResultStatusName;
use crate::state::{AppState, Described};
use crate::upload::IdempotencyKeyText;

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
    // Routes only add the schemas of their bodies.
    components(schemas(Failure, IdempotencyKeyText, ResultStatusName)),
)]
struct Frame;

/// The description of a service with these entities.
pub(crate) fn describe(entities: &Entities) -> Described {
    let groups = routes::groups();
    let described = OpenApiRouter::<AppState>::with_openapi(Frame::openapi())
        .merge(groups.open)
        .merge(groups.owned)
        .merge(groups.streaming)
        .merge(groups.probes);
    let mut document = described.into_openapi();
    Declared(entities).modify(&mut document);
    Shared.modify(&mut document);
    let named = operations(&mut document).map(|(path, method, _)| format!("{method} {path}"));
    Described { endpoints: named.collect(), document: serde_json::to_value(document).unwrap_or_default() }
}

/// Path, method and description of every operation.
fn operations(document: &mut utoipa::openapi::OpenApi) -> impl Iterator<Item = (&str, &str, &mut Operation)> {
    document.paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem { get, put, post, delete, patch, .. } = item;
        let methods = [("DELETE", delete), ("GET", get), ("PATCH", patch), ("POST", post), ("PUT", put)];
        let described =
            methods.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)));
        described.map(move |(method, operation)| (path.as_str(), method, operation))
    })
}

#[cfg(test)]
mod tests;
