//! Origin check for browser requests. A browser attaches cookies by itself, so a page of another site could cause a
//! request with the user's cookie. The headers by which a browser names the page cannot be set by that page.

use axum::http::{HeaderMap, HeaderName, header};

use super::single;
use crate::error::ApiError;

/// Sent by every current browser to `https` origins and to localhost.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

const FOREIGN: ApiError = ApiError::Forbidden("the request comes from a page of another site");

/// Accepts a request from a page of this service. `Sec-Fetch-Site` decides if the browser sends it, otherwise `Origin`,
/// which must name the host of the request. With `trust_proxy` that host is taken from the proxy's headers, because the
/// proxy may have changed it.
///
/// # Errors
/// [`ApiError::Forbidden`] for a page of another origin, and if no header names the page.
pub(crate) fn check_same_origin(headers: &HeaderMap, trust_proxy: bool) -> Result<(), ApiError> {
    if headers.contains_key(&FETCH_SITE) {
        return if single(headers, FETCH_SITE.as_str()) == Some("same-origin") {
            Ok(())
        } else {
            Err(FOREIGN)
        };
    }
    let origin = single(headers, header::ORIGIN.as_str()).ok_or(FOREIGN)?;
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let forwarded = if trust_proxy { single(headers, FORWARDED_HOST.as_str()) } else { None };
    let host = forwarded.or_else(|| single(headers, header::HOST.as_str()));
    match (authority, host) {
        (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(FOREIGN),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn passes(pairs: &[(&'static str, &'static str)], trust_proxy: bool) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        check_same_origin(&headers, trust_proxy).is_ok()
    }

    #[test]
    fn a_page_of_this_service_passes() {
        assert!(passes(&[("sec-fetch-site", "same-origin")], false));
        assert!(passes(&[("origin", "http://10.0.0.7:3000"), ("host", "10.0.0.7:3000")], false));
        assert!(passes(&[("origin", "https://Bulk.example"), ("host", "bulk.example")], false));
    }

    #[test]
    fn every_other_page_is_refused() {
        for site in ["cross-site", "same-site", "none", "", "SAME-ORIGIN"] {
            let headers = [("sec-fetch-site", site), ("origin", "http://a:1"), ("host", "a:1")];
            assert!(!passes(&headers, false), "{site:?}");
        }
        for origin in ["null", "http://evil.example", "http://a:2", "http://a", "http://a:1.evil", "a:1", ""]
        {
            assert!(!passes(&[("origin", origin), ("host", "a:1")], false), "{origin:?}");
        }
        assert!(!passes(&[("host", "a:1")], false), "nothing says where it comes from");
        assert!(!passes(&[("origin", "http://a:1"), ("origin", "http://b"), ("host", "a:1")], false));
        assert!(!passes(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false));
    }

    #[test]
    fn only_a_trusted_proxy_says_what_the_host_was() {
        let headers =
            [("origin", "https://bulk.example"), ("host", "api:3000"), ("x-forwarded-host", "bulk.example")];
        assert!(passes(&headers, true));
        assert!(!passes(&headers, false));
    }
}
