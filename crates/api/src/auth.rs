//! Who is calling. One place decides it for both modes; handlers only see a checked account with its permissions.

mod same_origin;
mod session;

pub(crate) use same_origin::check_same_origin;
pub(crate) use session::Sessions;

use axum::http::{HeaderMap, header};
use bulk_core::config::AuthMode;
use chrono::{DateTime, Utc};
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
    /// When the right to all of it ends; an account id that is believed as it is has no end.
    pub(crate) until: Option<DateTime<Utc>>,
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
    exp: i64,
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
        let (credential, missing) = match self {
            Self::Header => (single(headers, ACCOUNT_HEADER), "the header `account-id` is missing"),
            Self::Jwt { .. } => (bearer_token(headers), "a bearer token is missing"),
        };
        self.verify(credential.ok_or(ApiError::Unauthorized(missing))?)
    }

    /// Whether the request names its caller in a header: then no cookie is looked at.
    pub(crate) fn is_named(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(header::AUTHORIZATION)
            || (matches!(self, Self::Header) && headers.contains_key(ACCOUNT_HEADER))
    }

    /// Whom a credential belongs to: a token or, where the header is believed, an account id.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] when it proves nothing.
    pub(crate) fn verify(&self, credential: &str) -> Result<Caller, ApiError> {
        match self {
            Self::Header => {
                let account = checked_account(credential)?;
                Ok(Caller { account, can_read: true, can_write: true, until: None })
            }
            Self::Jwt { key, rules } => {
                // Why it is not valid is nobody's business but its owner's, who can look into it.
                let claims = decode::<Claims>(credential, key, rules)
                    .map_err(|_| ApiError::Unauthorized("the token is not valid or has expired"))?
                    .claims;
                let has_scope = |wanted| {
                    claims
                        .scope
                        .as_deref()
                        .is_none_or(|scope| scope.split_ascii_whitespace().any(|one| one == wanted))
                };
                let (can_read, can_write) = (has_scope(READ_SCOPE), has_scope(WRITE_SCOPE));
                let until = DateTime::from_timestamp(claims.exp, 0);
                Ok(Caller { account: checked_account(&claims.sub)?, can_read, can_write, until })
            }
        }
    }
}

impl Caller {
    /// What the caller may do, as a token's `scope` names it.
    pub(crate) fn scopes(&self) -> Vec<&'static str> {
        let named = [(self.can_read, READ_SCOPE), (self.can_write, WRITE_SCOPE)];
        named.into_iter().filter_map(|(may, scope)| may.then_some(scope)).collect()
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
