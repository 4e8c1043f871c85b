//! `/bulk-actions…`: one module per operation.

mod codes;
mod control;
mod create;
mod created;
mod delete;
mod events;
mod list;
mod logs;
pub(crate) mod results;
mod show;
mod stats;
mod view;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::state::AppState;

/// Routes that respond from a few rows and objects.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(delete::delete))
        .routes(routes!(stats::stats))
        .routes(routes!(logs::logs))
        .routes(routes!(codes::codes))
        .routes(routes!(control::pause))
        .routes(routes!(control::resume))
        .routes(routes!(control::cancel))
        .routes(routes!(control::retry))
}

/// Routes that take as long as their bytes.
pub(crate) fn streaming_router() -> OpenApiRouter<AppState> {
    // The upload counts its bytes itself, separately for file and fields.
    let create = routes!(create::create).layer(DefaultBodyLimit::disable());
    OpenApiRouter::new().routes(create).routes(routes!(results::results)).routes(routes!(events::events))
}
