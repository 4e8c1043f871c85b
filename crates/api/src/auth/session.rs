//! Browser sessions: a cookie that holds the caller's own token, or the account id if the header is trusted.
//!
//! The service stores nothing about a session, so any instance can handle the next request and a restart ends no
//! session. The cookie proves as much as the token in it, for as long. Scripts cannot read it (`HttpOnly`), pages of
//! other sites cannot send it (`SameSite=Strict`), and over TLS no other host of the domain can set it (`__Host-`).
//! Signing out deletes the cookie in the browser. A token that must end early has to be revoked by its issuer.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use bulk_core::config::{ApiConfig, AuthMode, Environment};
use chrono::{DateTime, Utc};

use super::{Authenticator, Caller, check_same_origin, single};
use crate::error::ApiError;

const NAME: &str = "bulk-session";
/// Browsers accept a cookie of this name only over TLS, from the host itself and for all of its paths.
const SECURE_NAME: &str = "__Host-bulk-session";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// Browsers silently drop a larger cookie; name and attributes count.
const MAX_CREDENTIAL_BYTES: usize = 3800;

const TWO_SESSIONS: ApiError = ApiError::Unauthorized("there are two session cookies: sign in again");

/// Settings of sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sessions {
    /// False behind a gateway that names the account, where anyone could sign in as any account.
    enabled: bool,
    /// True if the `X-Forwarded-…` headers come from a proxy.
    trust_proxy: bool,
    /// Production is reached over TLS, even if a proxy's headers say otherwise.
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

    /// True if accounts can sign in.
    pub(crate) fn are_enabled(self) -> bool {
        self.enabled
    }

    /// Accepts a request from a page of this service.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] for every other page.
    pub(crate) fn check_origin(self, headers: &HeaderMap) -> Result<(), ApiError> {
        check_same_origin(headers, self.trust_proxy)
    }

    /// Identifies the caller by the request's cookie. `None` if a header identifies the caller, or there is no cookie.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] for an invalid cookie, [`ApiError::Forbidden`] for a change requested by a page of
    /// another site.
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
            // Two cookies of one name were set for different paths or hosts, and one of them perhaps by an attacker.
            (Some(_), Some(_)) => Err(TWO_SESSIONS),
            (value, _) => Ok(value),
        }
    }

    /// The header that stores the credential in the browser for as long as it is valid.
    ///
    /// # Errors
    /// [`ApiError::Validation`] if it does not fit into a cookie.
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

    /// The header that deletes the cookie.
    ///
    /// # Errors
    /// Never: the text is fixed.
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
