//! Authentication of clients. This module decides it for both modes; handlers only see a checked account with its
//! permissions.

mod same_origin;
mod session;

pub(crate) use same_origin::check_same_origin;
pub(crate) use session::Sessions;

use axum::http::{HeaderMap, header};
use bulk_core::config::{AuthMode, JwtConfig};
use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use crate::error::ApiError;

/// Header with the account under `AUTH_MODE=header`.
const ACCOUNT_HEADER: &str = "account-id";
const MAX_ACCOUNT_CHARS: usize = 255;
/// Tolerated difference between the clocks of the token issuer and this machine.
const LEEWAY_S: u64 = 5;

const READ_SCOPE: &str = "bulk:read";
const WRITE_SCOPE: &str = "bulk:write";

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Account id, matching `[A-Za-z0-9_-]{1,255}`, so it can be part of an object key.
    pub(crate) account: String,
    /// Permission to read the account's actions.
    pub(crate) can_read: bool,
    /// Permission to create and change actions.
    pub(crate) can_write: bool,
    /// End of the permissions. A stream or link that outlives the request ends then too.
    pub(crate) until: Option<DateTime<Utc>>,
}

/// Identifies the caller from a request's headers.
pub(crate) enum Authenticator {
    /// By a token signed with HS256.
    Jwt {
        /// The shared secret, and the previous one during a rotation.
        keys: Vec<DecodingKey>,
        /// Required claims of a token.
        rules: Box<Validation>,
    },
    /// By a header that a gateway in front has checked.
    Header,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(default)]
    scope: Scope,
}

/// Permissions of a token. A token without this claim is not limited; one with `null` may do nothing.
#[derive(Default)]
enum Scope {
    #[default]
    Unlimited,
    /// Space-separated.
    Only(String),
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::Only(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

impl Scope {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Only(scopes) => scopes.split_ascii_whitespace().any(|scope| scope == wanted),
        }
    }
}

impl Authenticator {
    /// The authenticator for this mode.
    pub(crate) fn new(mode: &AuthMode) -> Self {
        match mode {
            AuthMode::Header => Self::Header,
            AuthMode::Jwt(JwtConfig { secret, previous_secret, issuer, audience }) => {
                let mut rules = Validation::new(Algorithm::HS256);
                rules.leeway = LEEWAY_S;
                rules.validate_nbf = true;
                let mut required = vec!["exp", "sub"];
                if let Some(issuer) = issuer {
                    rules.set_issuer(&[issuer]);
                    required.push("iss");
                }
                // Tokens of a larger system name audiences that are unknown here, unless the settings require one.
                rules.validate_aud = audience.is_some();
                if let Some(audience) = audience {
                    rules.set_audience(&[audience]);
                    required.push("aud");
                }
                rules.set_required_spec_claims(&required);
                let key = |secret: &SecretString| DecodingKey::from_secret(secret.expose_secret().as_bytes());
                let keys = [Some(secret), previous_secret.as_ref()].into_iter().flatten().map(key).collect();
                Self::Jwt { keys, rules: Box::new(rules) }
            }
        }
    }

    /// Identifies the sender of a request with these headers.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] if the headers have no credential or an invalid one.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let (credential, missing) = match self {
            Self::Header => (single(headers, ACCOUNT_HEADER), "the header `account-id` is missing"),
            Self::Jwt { .. } => (bearer_token(headers), "a bearer token is missing"),
        };
        self.verify(credential.ok_or(ApiError::Unauthorized(missing))?)
    }

    /// True if a header identifies the caller. Cookies are then ignored.
    pub(crate) fn is_named(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(header::AUTHORIZATION)
            || (matches!(self, Self::Header) && headers.contains_key(ACCOUNT_HEADER))
    }

    /// Identifies the owner of a credential: a token or, if the header is trusted, an account id.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] if the credential is invalid.
    pub(crate) fn verify(&self, credential: &str) -> Result<Caller, ApiError> {
        match self {
            Self::Header => {
                let account = checked_account(credential)?;
                Ok(Caller { account, can_read: true, can_write: true, until: None })
            }
            Self::Jwt { keys, rules } => identify_token(credential, keys, rules),
        }
    }
}

impl Caller {
    /// The caller's permissions by the names of a token's `scope`.
    pub(crate) fn scopes(&self) -> Vec<&'static str> {
        let named = [(self.can_read, READ_SCOPE), (self.can_write, WRITE_SCOPE)];
        named.into_iter().filter_map(|(may, scope)| may.then_some(scope)).collect()
    }
}

/// Identifies the caller by a token. The error does not say why a token is invalid; its owner can inspect it.
fn identify_token(token: &str, keys: &[DecodingKey], rules: &Validation) -> Result<Caller, ApiError> {
    const NOT_VALID: ApiError = ApiError::Unauthorized("the token is not valid or has expired");
    let mut decoded = keys.iter().map(|key| decode::<Claims>(token, key, rules));
    let is_another_keys = |found: &Result<_, jsonwebtoken::errors::Error>| {
        found.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::InvalidSignature))
    };
    let decoded = decoded.find(|found| !is_another_keys(found)).ok_or(NOT_VALID)?.map_err(|_| NOT_VALID)?;
    // The issuer demands that the token be rejected by anyone who does not understand these extensions (RFC 7515,
    // 4.1.11).
    if decoded.header.crit.is_some() {
        return Err(NOT_VALID);
    }
    let claims = decoded.claims;
    Ok(Caller {
        account: checked_account(&claims.sub)?,
        can_read: claims.scope.has(READ_SCOPE),
        can_write: claims.scope.has(WRITE_SCOPE),
        // A time beyond the calendar means no end.
        until: DateTime::from_timestamp(claims.exp, 0),
    })
}

/// The value of a header that occurs once. If it occurs twice, two readers could see two different callers.
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
