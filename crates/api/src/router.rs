//! The routes and what stands around them.

use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::middleware::{
    add_headers, answer_for_panic, compression, cors, drain_body, identify, limit_head, limit_time, observe,
    refuse_foreign_host, refuse_while_draining,
};
use crate::page;
use crate::routes;
use crate::state::AppState;

/// The whole service.
pub(crate) fn router(state: AppState) -> Router {
    let draining = middleware::from_fn_with_state(state.clone(), refuse_while_draining);
    let limit_time = middleware::from_fn(limit_time);
    let described = routes::root::router()
        .merge(routes::docs::router())
        .merge(routes::entities::router())
        .merge(routes::session::router());
    let page = if state.http.page { page::router() } else { Router::new() };
    let open = Router::from(described).merge(page);
    let owned = Router::from(routes::bulk_actions::router())
        .layer(limit_time.clone())
        .merge(Router::from(routes::bulk_actions::streaming_router()))
        .route_layer(middleware::from_fn_with_state(state.clone(), identify));
    let work = open
        .layer(limit_time)
        .merge(owned)
        .layer(middleware::from_fn_with_state(state.clone(), refuse_foreign_host))
        .layer(middleware::from_fn_with_state(state.clone(), drain_body))
        .layer(option_layer(state.address_limit.as_ref().map(|limit| limit.layer())))
        .layer(draining);
    let probes = Router::from(routes::health::router().merge(routes::metrics::router()));
    with_surroundings(work.merge(probes), state)
}

fn with_surroundings(routes: Router<AppState>, state: AppState) -> Router {
    routes
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn(limit_head))
        .layer(CatchPanicLayer::custom(answer_for_panic))
        .layer(compression())
        .layer(option_layer(cors(&state.http.allowed_origins)))
        .layer(middleware::from_fn_with_state(state.clone(), add_headers))
        .layer(middleware::from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

async fn no_such_route() -> Response {
    ApiError::NotFound("route").into_response()
}

async fn no_such_method() -> Response {
    ApiError::MethodNotAllowed.into_response()
}
