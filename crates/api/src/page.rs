//! The web page at `/app`: built files in this binary, with `ETag` and compression. All names except the page's own
//! contain a hash of their content, so browsers cache them for ever.
//!
//! A path below `/app` that is not a file is a route within the page (`/app/actions/…`), which the page resolves
//! itself. A path with a dot can only be a missing file.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use memory_serve::CacheControl;

use crate::error::ApiError;
use crate::state::AppState;

/// Path of the page.
pub(crate) const HOME: &str = "/app/";

/// Routes of the page.
#[allow(unused_qualifications, reason = "code that build.rs generates")]
pub(crate) fn router() -> Router<AppState> {
    let files = memory_serve::load!()
        .index_file(Some("/index.html"))
        .fallback(Some("/index.html"))
        .fallback_status(StatusCode::OK)
        .html_cache_control(CacheControl::NoCache)
        .cache_control(CacheControl::Long)
        .into_router::<()>()
        .layer(middleware::from_fn(refuse_missing_files));
    // As a service, because only then `/app/` is nested too.
    Router::new().nest_service("/app", files)
}

/// True if the path belongs to the page.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/app" || path.starts_with(HOME)
}

async fn refuse_missing_files(request: Request, next: Next) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return ApiError::MethodNotAllowed.into_response();
    }
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    let is_file = name.contains('.') && name != "index.html";
    let response = next.run(request).await;
    let is_html = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/html");
    if is_file && response.headers().get(header::CONTENT_TYPE).is_some_and(is_html) {
        return ApiError::NotFound("file").into_response();
    }
    response
}

/// True if the client prefers HTML to JSON, as browsers declare and programs do not.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut html, mut json) = (0.0, 0.0);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let quality =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if kind.eq_ignore_ascii_case("text/html") {
            html = quality;
        } else if kind.eq_ignore_ascii_case("application/json") {
            json = quality;
        }
    }
    html > json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefers(accept: &'static str) -> bool {
        prefers_html(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn browsers_want_a_page_and_programs_do_not() {
        assert!(prefers("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"));
        assert!(prefers("application/json;q=0.5, text/html"));
        for accept in ["*/*", "application/json", "application/json, text/plain, */*", "text/html;q=0", ""] {
            assert!(!prefers(accept), "{accept:?}");
        }
        assert!(!prefers("application/json, text/html"), "both alike: JSON as ever");
        assert!(!prefers_html(&HeaderMap::new()));
    }
}
