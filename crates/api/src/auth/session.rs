//! A browser's session: a cookie that holds the caller's own token, or account id where the header is believed.
//!
//! The service keeps nothing of a session, so any instance can take the next request and a restart ends none. The cookie
//! proves as much as the token in it, for as long; scripts cannot read it (`HttpOnly`), pages of other sites cannot have it sent
//! (`SameSite=Strict`), and over TLS no other host of the domain can set it (`__Host-`). Signing out makes the browser forget
//! it; a token that must end before its time is ended by whoever issues tokens.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use bulk_core::config::{ApiConfig, AuthMode, Environment};
use chrono::{DateTime, Utc};

use super::{Authenticator, Caller, check_same_origin, single};
use crate::error::ApiError;

const NAME: &str = "bulk-session";
/// Browsers take a cookie of this name only over TLS, from the host itself, for all of its paths.
const SECURE_NAME: &str = "__Host-bulk-session";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// Browsers drop a larger cookie without a word; name and attributes count.
const MAX_CREDENTIAL_BYTES: usize = 3800;

const TWO_SESSIONS: ApiError = ApiError::Unauthorized("there are two session cookies: sign in again");

/// What there is to know about sessions beside the requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sessions {
    /// Whether accounts can sign in at all. Behind a gateway that names the account they cannot: anybody could name another.
    enabled: bool,
    /// Whether `X-Forwarded-…` is a proxy's word.
    trust_proxy: bool,
    /// Production is reached over TLS, whatever stands before it says.
    always_secure: bool,
}

impl Sessions {
    /// The sessions of a service with this configuration.
    pub(crate) fn new(config: &ApiConfig) -> Self {
        let in_production = config.config.server.environment == Environment::Production;
        Self {
            enabled: !(in_production && matches!(config.auth, AuthMode::Header)),
            trust_proxy: config.http.trust_proxy,
            always_secure: in_production,
        }
    }

    /// Whether accounts can sign in.
    pub(crate) fn are_enabled(self) -> bool {
        self.enabled
    }

    /// Passes a request of a page of this service.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] for every other page's.
    pub(crate) fn check_origin(self, headers: &HeaderMap) -> Result<(), ApiError> {
        check_same_origin(headers, self.trust_proxy)
    }

    /// Whose cookie came with a request; `None` where a header names the caller, and where there is no cookie.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] for a cookie that proves nothing, [`ApiError::Forbidden`] for a change that another site's page
    /// asks for.
    pub(crate) fn identify(
        self,
        authenticator: &Authenticator,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Caller>, ApiError> {
        if !self.enabled || authenticator.is_named(headers) {
            return Ok(None);
        }
        let Some(credential) = self.credential(headers)? else { return Ok(None) };
        if !method.is_safe() {
            self.check_origin(headers)?;
        }
        authenticator.verify(credential).map(Some)
    }

    fn credential(self, headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
        let name = self.cookie_name(headers);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            // Two of one name were set for different paths or hosts, one of them perhaps by somebody else.
            (Some(_), Some(_)) => Err(TWO_SESSIONS),
            (value, _) => Ok(value),
        }
    }

    /// The header that makes a browser keep the credential for as long as it is valid.
    ///
    /// # Errors
    /// [`ApiError::Validation`] when it does not fit into a cookie.
    pub(crate) fn cookie(
        self,
        headers: &HeaderMap,
        credential: &str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<HeaderValue, ApiError> {
        if credential.len() > MAX_CREDENTIAL_BYTES {
            let message =
                format!("has more than {MAX_CREDENTIAL_BYTES} bytes, which a browser does not keep");
            return Err(ApiError::invalid("token", message));
        }
        let age = expires_at.map(|at| (at - Utc::now()).num_seconds().max(0));
        self.header(headers, credential, age)
    }

    /// The header that makes a browser forget it.
    ///
    /// # Errors
    /// Never in fact: its text is fixed.
    pub(crate) fn forget(self, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
        self.header(headers, "", Some(0))
    }

    fn header(self, headers: &HeaderMap, value: &str, age_s: Option<i64>) -> Result<HeaderValue, ApiError> {
        let secure = if self.is_secure(headers) { "; Secure" } else { "" };
        let age = age_s.map_or(String::new(), |seconds| format!("; Max-Age={seconds}"));
        let name = self.cookie_name(headers);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
        HeaderValue::from_str(&text).map_err(ApiError::internal)
    }

    fn cookie_name(self, headers: &HeaderMap) -> &'static str {
        if self.is_secure(headers) { SECURE_NAME } else { NAME }
    }

    fn is_secure(self, headers: &HeaderMap) -> bool {
        let is_forwarded =
            || single(headers, FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        self.always_secure || (self.trust_proxy && is_forwarded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Sessions = Sessions { enabled: true, trust_proxy: false, always_secure: false };

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn identify(
        sessions: Sessions,
        method: &Method,
        pairs: &[(&'static str, &'static str)],
    ) -> Result<Option<String>, ApiError> {
        let found = sessions.identify(&Authenticator::Header, method, &headers(pairs))?;
        Ok(found.map(|caller| caller.account))
    }

    #[test]
    fn a_cookie_says_who_calls_where_no_header_does() {
        let cookie = ("cookie", "theme=dark; bulk-session=acme; x=1");
        assert_eq!(identify(PLAIN, &Method::GET, &[cookie]).unwrap().as_deref(), Some("acme"));
        assert_eq!(identify(PLAIN, &Method::GET, &[cookie, ("account-id", "other")]).unwrap(), None);
        assert_eq!(identify(PLAIN, &Method::GET, &[cookie, ("authorization", "Bearer x")]).unwrap(), None);
        assert_eq!(identify(PLAIN, &Method::GET, &[("cookie", "other=1")]).unwrap(), None);
        assert!(identify(PLAIN, &Method::GET, &[("cookie", "bulk-session=../x")]).is_err());
        let two = [cookie, ("cookie", "bulk-session=other")];
        assert!(identify(PLAIN, &Method::GET, &two).is_err(), "two sessions are none");
    }

    #[test]
    fn only_a_page_of_this_service_changes_anything() {
        let cookie = ("cookie", "bulk-session=acme");
        let from = |site| [cookie, ("sec-fetch-site", site)];
        assert!(identify(PLAIN, &Method::POST, &from("same-origin")).is_ok());
        for method in [Method::POST, Method::DELETE, Method::PUT] {
            let refused = identify(PLAIN, &method, &from("cross-site"));
            assert!(matches!(refused, Err(ApiError::Forbidden(_))), "{method}");
            assert!(identify(PLAIN, &method, &[cookie]).is_err(), "{method}");
        }
        assert!(identify(PLAIN, &Method::GET, &from("none")).is_ok(), "a link in a mail");
    }

    #[test]
    fn over_tls_only_a_cookie_that_no_other_host_can_set_counts() {
        let proxied = Sessions { trust_proxy: true, ..PLAIN };
        let tls = ("x-forwarded-proto", "https");
        assert_eq!(identify(proxied, &Method::GET, &[tls, ("cookie", "bulk-session=acme")]).unwrap(), None);
        let host = ("cookie", "__Host-bulk-session=acme");
        assert_eq!(identify(proxied, &Method::GET, &[tls, host]).unwrap().as_deref(), Some("acme"));
        assert_eq!(identify(PLAIN, &Method::GET, &[tls, host]).unwrap(), None, "nobody's word");
        let production = Sessions { always_secure: true, ..PLAIN };
        assert_eq!(identify(production, &Method::GET, &[host]).unwrap().as_deref(), Some("acme"));
    }

    #[test]
    fn a_gateway_names_the_account_and_no_cookie_does() {
        let gateway = Sessions { enabled: false, ..PLAIN };
        assert_eq!(identify(gateway, &Method::GET, &[("cookie", "bulk-session=acme")]).unwrap(), None);
    }

    #[test]
    fn a_cookie_lives_as_long_as_its_token() {
        let end = Utc::now() + chrono::TimeDelta::seconds(90);
        let cookie = PLAIN.cookie(&HeaderMap::new(), "a.b.c", Some(end)).unwrap();
        let text = cookie.to_str().unwrap();
        assert!(
            text.starts_with("bulk-session=a.b.c; Path=/; HttpOnly; SameSite=Strict; Max-Age="),
            "{text}"
        );
        let age: i64 = text.rsplit('=').next().unwrap().parse().unwrap();
        assert!((88..=90).contains(&age), "{text}");
        let secure = Sessions { always_secure: true, ..PLAIN };
        let text = secure.forget(&HeaderMap::new()).unwrap();
        let expected = "__Host-bulk-session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0";
        assert_eq!(text, expected);
        assert!(PLAIN.cookie(&HeaderMap::new(), &"x".repeat(4000), None).is_err());
    }
}
