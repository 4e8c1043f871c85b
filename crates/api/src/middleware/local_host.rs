//! Host check for header authentication, with which any client may claim to be any account. Listening on this machine
//! only does not exclude web pages in a local browser, whose host name can be made to resolve to this machine (DNS
//! rebinding). The `Host` header then holds the page's name.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::state::AppState;

/// Rejects a request whose `Host` is not local, if only local hosts are allowed.
pub(crate) async fn refuse_foreign_host(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if state.http.only_local_hosts && !names_local_host(request.uri(), request.headers()) {
        return ApiError::Forbidden(
            "with header authentication only requests to localhost, an IP address or a name without dots are answered",
        )
        .into_response();
    }
    next.run(request).await
}

fn names_local_host(uri: &Uri, headers: &HeaderMap) -> bool {
    if let Some(host) = uri.host() {
        return is_local(host);
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    // HTTP/1.0 requests need no host, and browsers do not send them.
    let is_named_local = hosts.next().is_none_or(|host| host.to_str().is_ok_and(is_local));
    is_named_local && hosts.next().is_none()
}

/// Only local names are IP addresses or have no dots; names on the internet have dots.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let lower = name.to_ascii_lowercase();
    !lower.contains('.') || lower.ends_with(".localhost") || lower.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_internet_is_foreign() {
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1:3000",
            "[::1]:3000",
            "10.0.0.7",
            "api:3000",
            "a.localhost",
            "",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in
            ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "localhost.evil.example", "a.b"]
        {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn one_host_is_named_and_not_two() {
        let uri = Uri::from_static("/bulk-actions");
        let mut headers = HeaderMap::new();
        assert!(names_local_host(&uri, &headers));
        headers.append(header::HOST, header::HeaderValue::from_static("localhost"));
        assert!(names_local_host(&uri, &headers));
        headers.append(header::HOST, header::HeaderValue::from_static("evil.example"));
        assert!(!names_local_host(&uri, &headers));
        assert!(!names_local_host(&Uri::from_static("http://evil.example/bulk-actions"), &HeaderMap::new()));
    }
}
