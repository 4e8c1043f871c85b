//! Security and cache headers of responses.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::page::is_page;
use crate::state::AppState;

/// API responses load nothing and must not be framed.
const API_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The page `/docs` loads its own scripts, styles and icons, and calls the API.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// The page `/app` loads its own files and calls this API, nothing else.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
/// Half a year. Has an effect only over TLS.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=15552000");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Adds the headers to the response.
pub(crate) async fn add_headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_docs = request.uri().path().starts_with("/docs");
    let policy = match request.uri().path() {
        _ if is_docs => DOCS_POLICY,
        path if is_page(path) => PAGE_POLICY,
        _ => API_POLICY,
    };
    let is_tls = state.http.trust_proxy && is_forwarded_tls(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    weaken_etag(headers);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if is_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    // A cache must not serve one account's data to another. A route that allows caching sets the header itself.
    if !is_docs {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// A compressed response has other bytes than its ETag names, and a client must not combine parts of the two.
fn weaken_etag(headers: &mut HeaderMap) {
    let etag = headers.get(header::ETAG).filter(|_| headers.contains_key(header::CONTENT_ENCODING));
    let weak =
        etag.filter(|etag| etag.as_bytes().starts_with(b"\"")).map(|etag| [b"W/", etag.as_bytes()].concat());
    if let Some(weak) = weak.and_then(|etag| HeaderValue::from_bytes(&etag).ok()) {
        headers.insert(header::ETAG, weak);
    }
}

fn is_forwarded_tls(headers: &HeaderMap) -> bool {
    headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}
