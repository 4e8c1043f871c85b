//! Who is calling. One place decides it for both modes; handlers only see a checked account with its permissions.

use axum::http::{HeaderMap, header};
use bulk_core::config::AuthMode;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::error::ApiError;

/// The header that names the account where `AUTH_MODE=header`.
const ACCOUNT_HEADER: &str = "account-id";
const MAX_ACCOUNT_CHARS: usize = 255;
/// How far the clocks of whoever signs tokens and of this machine may differ.
const LEEWAY_S: u64 = 5;

const READ_SCOPE: &str = "bulk:read";
const WRITE_SCOPE: &str = "bulk:write";

/// A caller whose account is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// `[A-Za-z0-9_-]{1,255}`, so it can be part of an object key.
    pub(crate) account: String,
    /// May look at the account's actions.
    pub(crate) can_read: bool,
    /// May create and change them.
    pub(crate) can_write: bool,
}

/// Tells who is calling from a request's headers.
pub(crate) enum Authenticator {
    /// By a token signed with HS256.
    Jwt {
        /// The shared secret.
        key: DecodingKey,
        /// What a token must have.
        rules: Box<Validation>,
    },
    /// By a header that somebody before us has checked.
    Header,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Space-separated; absent means that the token is not limited.
    scope: Option<String>,
}

impl Authenticator {
    /// The authenticator for `AUTH_MODE`.
    pub(crate) fn new(mode: &AuthMode) -> Self {
        match mode {
            AuthMode::Header => Self::Header,
            AuthMode::Jwt { secret } => {
                let mut rules = Validation::new(Algorithm::HS256);
                rules.leeway = LEEWAY_S;
                rules.validate_nbf = true;
                // Tokens of a larger system name audiences that mean nothing here.
                rules.validate_aud = false;
                rules.set_required_spec_claims(&["exp", "sub"]);
                let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
                Self::Jwt { key, rules: Box::new(rules) }
            }
        }
    }

    /// Who sent a request with these headers.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] when nobody says so, or not credibly.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        match self {
            Self::Header => {
                let missing = ApiError::Unauthorized("the header `account-id` is missing");
                let account = single(headers, ACCOUNT_HEADER).ok_or(missing)?;
                Ok(Caller { account: checked_account(account)?, can_read: true, can_write: true })
            }
            Self::Jwt { key, rules } => {
                let token =
                    bearer_token(headers).ok_or(ApiError::Unauthorized("a bearer token is missing"))?;
                // Why it is not valid is nobody's business but its owner's, who can look into it.
                let claims = decode::<Claims>(token, key, rules)
                    .map_err(|_| ApiError::Unauthorized("the token is not valid or has expired"))?
                    .claims;
                let has_scope = |wanted| {
                    claims
                        .scope
                        .as_deref()
                        .is_none_or(|scope| scope.split_ascii_whitespace().any(|one| one == wanted))
                };
                let (can_read, can_write) = (has_scope(READ_SCOPE), has_scope(WRITE_SCOPE));
                Ok(Caller { account: checked_account(&claims.sub)?, can_read, can_write })
            }
        }
    }
}

/// The value of a header that comes once; twice would let two readers see two different callers.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = single(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn checked_account(account: &str) -> Result<String, ApiError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=MAX_ACCOUNT_CHARS).contains(&account.len()) && account.bytes().all(is_allowed) {
        Ok(account.to_owned())
    } else {
        Err(ApiError::Unauthorized("an account id is 1 to 255 letters, digits, underscores and hyphens"))
    }
}

#[cfg(test)]
mod tests;
