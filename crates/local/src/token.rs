//! Tokens for calling a platform with `AUTH_MODE=jwt` by hand.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use crate::settings;

/// Options of a token.
#[derive(Debug)]
pub struct TokenOptions {
    /// The account id.
    pub account: String,
    /// Space-separated scopes; without them the token is not limited.
    pub scope: Option<String>,
    /// Time until it expires.
    pub expires_in: Duration,
}

/// The secret with which the services on this data directory verify tokens.
pub fn secret(data_dir: &Path) -> Result<String> {
    settings::given(data_dir, "JWT_SECRET")
}

/// A token signed with HS256.
pub fn token(options: &TokenOptions, secret: &str) -> Result<String> {
    check_account(&options.account)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut claims = json!({
        "sub": options.account,
        "iat": now.as_secs(),
        "exp": (now + options.expires_in).as_secs(),
    });
    if let Some(scope) = &options.scope {
        claims["scope"] = json!(scope);
    }
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))?)
}

/// Checks that an account id has the form that the services accept.
pub(crate) fn check_account(account: &str) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    ensure!(
        (1..=255).contains(&account.len()) && account.bytes().all(is_allowed),
        "an account id is 1 to 255 letters, digits, underscores and hyphens"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::Value;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn options(account: &str, scope: Option<&str>) -> TokenOptions {
        let expires_in = Duration::from_secs(60);
        TokenOptions { account: account.to_owned(), scope: scope.map(str::to_owned), expires_in }
    }

    #[test]
    fn a_token_says_whom_it_is_for_and_until_when() {
        let signed = token(&options("acme", Some("bulk:read")), SECRET).unwrap();
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let claims = decode::<Value>(&signed, &key, &Validation::new(Algorithm::HS256)).unwrap().claims;
        assert_eq!((claims["sub"].as_str(), claims["scope"].as_str()), (Some("acme"), Some("bulk:read")));
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
        assert!(token(&options("../x", None), SECRET).is_err());
    }
}
