//! Credentials accepted and rejected in each mode.

use axum::http::{HeaderName, HeaderValue};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    });
    pairs.collect()
}

fn jwt() -> Authenticator {
    with(JwtConfig { secret: SECRET.into(), previous_secret: None, issuer: None, audience: None })
}

fn with(config: JwtConfig) -> Authenticator {
    Authenticator::new(&AuthMode::Jwt(config))
}

fn in_seconds(seconds: i64) -> i64 {
    Utc::now().timestamp() + seconds
}

fn identify_token(algorithm: Algorithm, secret: &str, claims: &Value) -> Result<Caller, ApiError> {
    jwt().identify(&bearing(&Header::new(algorithm), secret, claims))
}

fn bearing(header: &Header, secret: &str, claims: &Value) -> HeaderMap {
    let token = encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
    headers(&[("authorization", &format!("Bearer {token}"))])
}

fn identify(claims: &Value) -> Result<Caller, ApiError> {
    identify_token(Algorithm::HS256, SECRET, claims)
}

#[test]
fn the_header_names_the_account() {
    let caller = Authenticator::Header.identify(&headers(&[("account-id", "acme-1_X")])).unwrap();
    let account = "acme-1_X".to_owned();
    assert_eq!(caller, Caller { account, can_read: true, can_write: true, until: None });
}

#[test]
fn an_account_that_could_leave_its_folder_is_refused() {
    let long = "a".repeat(256);
    for account in ["", "../x", "a/b", "a b", "ä", &long] {
        let found = Authenticator::Header.identify(&headers(&[("account-id", account)]));
        assert!(matches!(found, Err(ApiError::Unauthorized(_))), "{account:?}");
    }
    assert!(Authenticator::Header.identify(&HeaderMap::new()).is_err());
    let mut twice = headers(&[("account-id", "a")]);
    twice.append("account-id", HeaderValue::from_static("b"));
    assert!(Authenticator::Header.identify(&twice).is_err(), "two accounts are none");
}

#[test]
fn a_token_names_the_account_and_is_not_limited_without_a_scope() {
    let exp = in_seconds(60);
    let caller = identify(&json!({"sub": "acme", "exp": exp, "aud": "somebody"})).unwrap();
    let until = DateTime::from_timestamp(exp, 0);
    assert_eq!(caller, Caller { account: "acme".to_owned(), can_read: true, can_write: true, until });
}

#[test]
fn a_scope_limits() {
    let caller =
        |scope: &str| identify(&json!({"sub": "acme", "exp": in_seconds(60), "scope": scope})).unwrap();
    assert_eq!((caller("bulk:read").can_read, caller("bulk:read").can_write), (true, false));
    assert_eq!((caller("x bulk:write").can_read, caller("x bulk:write").can_write), (false, true));
    let both = caller("bulk:read bulk:write");
    assert!(both.can_read && both.can_write);
    assert!(!caller("").can_read && !caller("bulk:reader").can_read);
    let null = identify(&json!({"sub": "acme", "exp": in_seconds(60), "scope": null})).unwrap();
    assert!(!null.can_read && !null.can_write, "null is nothing, not everything");
    assert!(identify(&json!({"sub": "acme", "exp": in_seconds(60), "scope": ["bulk:read"]})).is_err());
}

#[test]
fn a_token_that_asks_for_more_than_is_understood_is_refused() {
    let claims = json!({"sub": "acme", "exp": in_seconds(60)});
    for crit in [vec!["b64".to_owned()], vec![]] {
        let header = Header { crit: Some(crit), ..Header::new(Algorithm::HS256) };
        assert!(jwt().identify(&bearing(&header, SECRET, &claims)).is_err());
    }
}

#[test]
fn while_a_secret_is_rotated_tokens_of_both_are_taken() {
    const OLD: &str = "an old secret of thirty-two bytes";
    let rotating = with(JwtConfig {
        secret: SECRET.into(),
        previous_secret: Some(OLD.into()),
        issuer: None,
        audience: None,
    });
    let header = Header::new(Algorithm::HS256);
    let claims = json!({"sub": "acme", "exp": in_seconds(60)});
    assert!(rotating.identify(&bearing(&header, SECRET, &claims)).is_ok());
    assert!(rotating.identify(&bearing(&header, OLD, &claims)).is_ok());
    assert!(rotating.identify(&bearing(&header, "a third secret of thirty-two bytes", &claims)).is_err());
    let expired = json!({"sub": "acme", "exp": in_seconds(-60)});
    assert!(rotating.identify(&bearing(&header, OLD, &expired)).is_err());
}

#[test]
fn issuer_and_audience_must_be_those_that_are_set() {
    let strict = with(JwtConfig {
        secret: SECRET.into(),
        previous_secret: None,
        issuer: Some("https://id.example.com".to_owned()),
        audience: Some("bulk".to_owned()),
    });
    let identify = |claims: &Value| strict.identify(&bearing(&Header::new(Algorithm::HS256), SECRET, claims));
    let claims =
        |iss: &str, aud: Value| json!({"sub": "acme", "exp": in_seconds(60), "iss": iss, "aud": aud});
    assert!(identify(&claims("https://id.example.com", json!("bulk"))).is_ok());
    assert!(identify(&claims("https://id.example.com", json!(["other", "bulk"]))).is_ok());
    assert!(identify(&claims("https://evil.example.com", json!("bulk"))).is_err());
    assert!(identify(&claims("https://id.example.com", json!("other"))).is_err());
    assert!(identify(&json!({"sub": "acme", "exp": in_seconds(60)})).is_err(), "neither is named");
}

#[test]
fn a_token_that_proves_nothing_is_refused() {
    assert!(identify(&json!({"sub": "acme", "exp": in_seconds(-10)})).is_err(), "expired");
    assert!(identify(&json!({"sub": "acme", "exp": in_seconds(-2)})).is_ok(), "within the leeway");
    assert!(identify(&json!({"sub": "acme"})).is_err(), "no end");
    assert!(identify(&json!({"exp": in_seconds(60)})).is_err(), "no account");
    assert!(identify(&json!({"sub": "../x", "exp": in_seconds(60)})).is_err(), "no account id");
    assert!(
        identify(&json!({"sub": "acme", "exp": in_seconds(60), "nbf": in_seconds(60)})).is_err(),
        "too early"
    );

    let claims = json!({"sub": "acme", "exp": in_seconds(60)});
    assert!(identify_token(Algorithm::HS384, SECRET, &claims).is_err(), "another algorithm");
    assert!(
        identify_token(Algorithm::HS256, "another secret of thirty-two bytes", &claims).is_err(),
        "forged"
    );
    assert!(jwt().identify(&headers(&[("account-id", "acme")])).is_err(), "the header of the other mode");
    // {"alg":"none"} and the claims above, unsigned.
    let unsigned = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhY21lIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
    assert!(jwt().identify(&headers(&[("authorization", unsigned)])).is_err());
}
