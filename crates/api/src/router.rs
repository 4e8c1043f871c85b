//! The routes and what stands around them.

use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::middleware::{answer_for_panic, limit_time, observe, refuse_while_draining};
use crate::routes;
use crate::state::AppState;

/// The whole service.
pub(crate) fn router(state: AppState) -> Router {
    let draining = middleware::from_fn_with_state(state.clone(), refuse_while_draining);
    let quick = Router::new()
        .merge(routes::root::router())
        .merge(routes::entities::router())
        .merge(routes::bulk_actions::router())
        .layer(middleware::from_fn(limit_time));
    let work = quick.merge(routes::bulk_actions::streaming_router()).layer(draining);
    with_surroundings(work.merge(routes::health::router()).merge(routes::metrics::router()), state)
}

fn with_surroundings(routes: Router<AppState>, state: AppState) -> Router {
    routes
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(CatchPanicLayer::custom(answer_for_panic))
        .layer(middleware::from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

async fn no_such_route() -> Response {
    ApiError::NotFound("route").into_response()
}

async fn no_such_method() -> Response {
    ApiError::MethodNotAllowed.into_response()
}
