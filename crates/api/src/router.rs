//! The routes with their middleware.

use axum::extract::Request;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use tower::util::{MapRequest, option_layer};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::middleware::{
    add_headers, answer_for_panic, compression, cors, drain_body, identify, limit_head, limit_time, observe,
    refuse_foreign_host, refuse_while_draining,
};
use crate::state::AppState;
use crate::{page, routes};

/// The complete service.
pub(crate) fn router(state: AppState) -> Router {
    let draining = middleware::from_fn_with_state(state.clone(), refuse_while_draining);
    let limit_time = middleware::from_fn(limit_time);
    let groups = routes::groups();
    let page = if state.http.page { page::router() } else { Router::new() };
    let open = Router::from(groups.open).merge(page);
    let owned = Router::from(groups.owned)
        .layer(limit_time.clone())
        .merge(Router::from(groups.streaming))
        .route_layer(middleware::from_fn_with_state(state.clone(), identify));
    let work = open
        .layer(limit_time)
        .merge(owned)
        .layer(middleware::from_fn_with_state(state.clone(), refuse_foreign_host))
        .layer(middleware::from_fn_with_state(state.clone(), drain_body))
        .layer(option_layer(state.address_limit.as_ref().map(|limit| limit.layer())))
        .layer(draining);
    let routes = with_surroundings(work.merge(Router::from(groups.probes)), state);
    // Runs before routing, so it cannot be a layer of the router itself.
    let trimmed: fn(Request) -> Request = without_trailing_slash;
    Router::new().fallback_service(MapRequest::new(routes, trimmed))
}

/// Paths below which a trailing slash is significant.
const PAGES: [&str; 2] = ["/docs", "/app"];

/// The request without trailing slashes in its path, which some clients add.
fn without_trailing_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    let trimmed = path.trim_end_matches('/');
    let is_page = PAGES.iter().any(|page| path.strip_prefix(page).is_some_and(|rest| rest.starts_with('/')));
    if trimmed.is_empty() || trimmed.len() == path.len() || is_page {
        return request;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // A prefix of a valid path is a valid path.
    if let Ok(uri) = format!("{trimmed}{query}").parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
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

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for (given, expected) in [
            ("/bulk-actions/", "/bulk-actions"),
            ("/bulk-actions//?page=2", "/bulk-actions?page=2"),
            ("/bulk-actions", "/bulk-actions"),
            ("/", "/"),
            ("//", "//"),
            ("/docs/", "/docs/"),
            ("/app/", "/app/"),
            ("/application/", "/application"),
        ] {
            let request = Request::builder().uri(given).body(Body::empty()).unwrap();
            assert_eq!(without_trailing_slash(request).uri(), expected, "{given}");
        }
    }
}
