//! Cross-origin access for the web pages of `ALLOWED_ORIGINS`. For all others no header is sent, so their browsers
//! block the access.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use bulk_core::config::AllowedOrigins;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Time for which a browser may cache the permission.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The layer for these origins; `None` if none is allowed.
pub(crate) fn cors(origins: &AllowedOrigins) -> Option<CorsLayer> {
    let origin = match origins {
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::Listed(listed) if listed.is_empty() => return None,
        AllowedOrigins::Listed(listed) => {
            AllowOrigin::list(listed.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
        }
    };
    let layer = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            HeaderName::from_static("account-id"),
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-limit"),
            HeaderName::from_static("ratelimit-policy"),
            HeaderName::from_static("ratelimit-remaining"),
            HeaderName::from_static("ratelimit-reset"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-results-complete"),
            HeaderName::from_static("x-trace-id"),
        ])
        .max_age(MAX_AGE);
    Some(layer)
}
