//! Authentication of the API's clients. Only the API reads these settings.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::reader::Reader;
use super::server::Environment;

/// HS256 signs with a 256-bit hash; a shorter key would be weaker than the hash (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Words found in sample configurations and placeholder secrets. They are easy to guess, so production refuses secrets
/// that contain them; in 32 random characters none of them occurs by chance.
const GIVEAWAYS: [&str; 14] = [
    "sample",
    "example",
    "change",
    "replace",
    "secret",
    "password",
    "default",
    "dummy",
    "insecure",
    "jwt-key",
    "jwt_key",
    "development",
    "1234567890",
    "0123456789",
];
/// A random secret of 32 bytes has more distinct bytes than this, even in hexadecimal digits.
const MIN_DISTINCT_BYTES: usize = 8;

const SECRET_REMEDY: &str = "give 32 random bytes or more, for example from `openssl rand -base64 48`";

/// `AUTH_MODE`: jwt or header. Default jwt.
#[derive(Clone, Debug)]
pub enum AuthMode {
    /// Clients send a token signed with HS256.
    Jwt(JwtConfig),
    /// The header `account-id` is trusted. In production only with `ALLOW_HEADER_AUTH_IN_PRODUCTION=true` (default
    /// false), for an API behind a gateway that sets the header.
    Header,
}

/// Requirements for a valid token.
#[derive(Clone, Debug)]
pub struct JwtConfig {
    /// `JWT_SECRET`: required in this mode, 32 bytes or more.
    pub secret: SecretString,
    /// `JWT_SECRET_PREVIOUS`: tokens signed with it are also accepted while the secret is being replaced. Default
    /// empty: none.
    pub previous_secret: Option<SecretString>,
    /// `JWT_ISSUER`: required value of `iss`. Default empty: not checked.
    pub issuer: Option<String>,
    /// `JWT_AUDIENCE`: required value in `aud`. Default empty: not checked.
    pub audience: Option<String>,
}

impl AuthMode {
    pub(super) fn read(reader: &mut Reader<'_>, environment: Environment) -> Self {
        let secret = reader.raw("JWT_SECRET");
        let previous = reader.raw("JWT_SECRET_PREVIOUS");
        let issuer = reader.text("JWT_ISSUER").map(str::to_owned);
        let audience = reader.text("JWT_AUDIENCE").map(str::to_owned);
        let header_allowed = reader.boolean("ALLOW_HEADER_AUTH_IN_PRODUCTION", false);
        let in_production = environment == Environment::Production;

        match reader.text("AUTH_MODE") {
            None | Some("jwt") => {
                match secret {
                    Some(secret) => check_secret(reader, "JWT_SECRET", secret, in_production),
                    None => {
                        let remedy = format!("{SECRET_REMEDY}, or AUTH_MODE=header for local work");
                        reader.problem("JWT_SECRET", "is not set", remedy);
                    }
                }
                if let Some(previous) = previous {
                    check_secret(reader, "JWT_SECRET_PREVIOUS", previous, in_production);
                }
            }
            Some("header") if in_production && !header_allowed => reader.problem(
                "AUTH_MODE",
                "is \"header\" in production, where anyone could claim to be any account",
                "give jwt, or ALLOW_HEADER_AUTH_IN_PRODUCTION=true where a gateway sets the header",
            ),
            Some("header") => return Self::Header,
            Some(other) => reader.problem("AUTH_MODE", format!("is {other:?}"), "give jwt or header"),
        }
        Self::Jwt(JwtConfig {
            secret: SecretString::from(secret.unwrap_or_default()),
            previous_secret: previous.map(SecretString::from),
            issuer,
            audience,
        })
    }
}

fn check_secret(reader: &mut Reader<'_>, name: &'static str, secret: &str, in_production: bool) {
    if secret.len() < MIN_SECRET_BYTES {
        reader.problem(name, format!("has only {} bytes", secret.len()), SECRET_REMEDY);
    } else if in_production && is_guessable(secret) {
        reader.problem(name, "is a sample or easy to guess, in production", SECRET_REMEDY);
    }
}

fn is_guessable(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let distinct: BTreeSet<u8> = secret.bytes().collect();
    distinct.len() < MIN_DISTINCT_BYTES || GIVEAWAYS.iter().any(|word| lower.contains(word))
}
