//! Creates each request's trace, and records its result in the log and metrics. Every response carries the trace id.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use bulk_core::telemetry::{TraceContext, metrics as names};
use tracing::{Instrument, field};

use crate::rate_limit::client_address;
use crate::state::AppState;
use crate::trace;

const TRACE_HEADER: &str = "x-trace-id";
const TRACEPARENT: &str = "traceparent";
/// The client's own id of the request: logged and returned.
const REQUEST_ID: &str = "x-request-id";
const MAX_REQUEST_ID_CHARS: usize = 128;
/// Route label for unknown paths, since clients can invent any number of paths.
const NO_ROUTE: &str = "none";

/// Handles a request as part of its trace.
pub(crate) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    // Held until the response starts: a process that shuts down waits for it.
    let _running = state.running.token();
    let trace = incoming(request.headers()).unwrap_or_else(TraceContext::new);
    let method = method_label(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(NO_ROUTE.to_owned(), |path| path.as_str().to_owned());
    let request_id = request_id(request.headers());
    let span = tracing::info_span!(
        "request",
        traceId = %trace,
        method,
        path = request.uri().path(),
        address = client_address(request.extensions(), request.headers(), state.http.trust_proxy).map(field::display),
        requestId = request_id.as_ref().and_then(|id| id.to_str().ok()),
        accountId = field::Empty,
        actionId = field::Empty,
    );

    let answered = async move {
        let mut response = trace::within(trace, next.run(request)).await;
        name_trace(response.headers_mut(), trace, request_id);
        report(&route, method, &response, started);
        response
    };
    answered.instrument(span).await
}

/// Adds `X-Trace-ID`, `traceparent` and the request id to the response, so that clients and proxies can find the log
/// lines.
fn name_trace(headers: &mut HeaderMap, trace: TraceContext, request_id: Option<HeaderValue>) {
    for (name, value) in [(TRACE_HEADER, trace.to_string()), (TRACEPARENT, trace.to_traceparent())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if let Some(id) = request_id {
        headers.insert(REQUEST_ID, id);
    }
}

/// The request id, if it can be logged unchanged.
fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let is_plain = id.as_bytes().iter().all(u8::is_ascii_graphic);
    (is_plain && (1..=MAX_REQUEST_ID_CHARS).contains(&id.len())).then(|| id.clone())
}

fn incoming(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::from_traceparent(headers.get(TRACEPARENT)?.to_str().ok()?)
}

/// The method as a label. Clients can invent methods, so unknown ones share a label.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

fn report(route: &str, method: &'static str, response: &Response, started: Instant) {
    let (status, duration) = (response.status(), started.elapsed());
    let labels = [("route", route.to_owned()), ("method", method.to_owned())];
    metrics::histogram!(names::HTTP_REQUEST_DURATION, &labels).record(duration.as_secs_f64());
    let [route_label, method_label] = labels;
    let labels = [route_label, method_label, ("status", status.as_str().to_owned())];
    metrics::counter!(names::HTTP_REQUESTS, &labels).increment(1);

    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let is_probe = route.starts_with("/health") || route == "/metrics";
    if is_probe && status.is_success() {
        tracing::debug!(route, status = status.as_u16(), duration_ms, "answered");
    } else {
        tracing::info!(route, status = status.as_u16(), duration_ms, "answered");
    }
}
