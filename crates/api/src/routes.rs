//! One module per resource; each has its own `router()`. [`groups`] is the only list of them: the service and its
//! OpenAPI document are both made from it.

pub(crate) mod bulk_actions;
pub(crate) mod docs;
pub(crate) mod entities;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod root;
pub(crate) mod session;
pub(crate) mod uploads;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// All routes, grouped by their middleware.
pub(crate) struct Groups {
    /// No authentication; with the time limit of a request.
    pub(crate) open: OpenApiRouter<AppState>,
    /// With authentication and the time limit of a request.
    pub(crate) owned: OpenApiRouter<AppState>,
    /// With authentication; last as long as their body or stream.
    pub(crate) streaming: OpenApiRouter<AppState>,
    /// Answered during shutdown too, without any limit: health and metrics.
    pub(crate) probes: OpenApiRouter<AppState>,
}

/// Every route of the API.
pub(crate) fn groups() -> Groups {
    Groups {
        open: root::router().merge(docs::router()).merge(entities::router()).merge(session::router()),
        owned: bulk_actions::router(),
        streaming: bulk_actions::streaming_router().merge(uploads::router()),
        probes: health::router().merge(metrics::router()),
    }
}
