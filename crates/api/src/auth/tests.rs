//! Whom each mode believes.

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
    Authenticator::new(&AuthMode::Jwt { secret: SECRET.into() })
}

fn in_seconds(seconds: i64) -> i64 {
    Utc::now().timestamp() + seconds
}

fn identify_token(algorithm: Algorithm, secret: &str, claims: &Value) -> Result<Caller, ApiError> {
    let token =
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
    jwt().identify(&headers(&[("authorization", &format!("Bearer {token}"))]))
}

fn identify(claims: &Value) -> Result<Caller, ApiError> {
    identify_token(Algorithm::HS256, SECRET, claims)
}

#[test]
fn the_header_names_the_account() {
    let caller = Authenticator::Header.identify(&headers(&[("account-id", "acme-1_X")])).unwrap();
    assert_eq!(
        caller,
        Caller { account: "acme-1_X".to_owned(), can_read: true, can_write: true, until: None }
    );
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
    let caller = identify(&json!({"sub": "acme", "exp": in_seconds(60), "aud": "somebody"})).unwrap();
    assert_eq!(caller, Caller { account: "acme".to_owned(), can_read: true, can_write: true, until: None });
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
