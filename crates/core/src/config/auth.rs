//! How the API's callers prove who they are. Only the API reads this: a worker serves no callers.

use secrecy::SecretString;

use super::reader::Reader;
use super::server::Environment;

/// HS256 signs with a 256-bit hash; a shorter key is the weaker part (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The secret in `.env.example`. Everybody knows it, so production refuses it.
const SAMPLE_SECRET: &str = "sample-secret-for-local-work-replace-me";

const SECRET_REMEDY: &str = "give 32 random bytes or more, for example from `openssl rand -base64 48`";

/// `AUTH_MODE`: jwt or header. Default jwt.
#[derive(Clone, Debug)]
pub enum AuthMode {
    /// Callers carry a token signed with HS256.
    Jwt {
        /// `JWT_SECRET`: required in this mode, 32 bytes or more.
        secret: SecretString,
    },
    /// The header `account-id` is believed. In production only with `ALLOW_HEADER_AUTH_IN_PRODUCTION=true`
    /// (default false), for an API behind a gateway that sets it.
    Header,
}

impl AuthMode {
    pub(super) fn read(reader: &mut Reader<'_>, environment: Environment) -> Self {
        let secret = reader.raw("JWT_SECRET");
        let header_allowed = reader.boolean("ALLOW_HEADER_AUTH_IN_PRODUCTION", false);
        let in_production = environment == Environment::Production;

        match reader.text("AUTH_MODE") {
            None | Some("jwt") => check_secret(reader, secret, in_production),
            Some("header") if in_production && !header_allowed => reader.problem(
                "AUTH_MODE",
                "is \"header\" in production, where anyone could claim to be any account",
                "give jwt, or ALLOW_HEADER_AUTH_IN_PRODUCTION=true where a gateway sets the header",
            ),
            Some("header") => return Self::Header,
            Some(other) => reader.problem("AUTH_MODE", format!("is {other:?}"), "give jwt or header"),
        }
        Self::Jwt { secret: SecretString::from(secret.unwrap_or_default()) }
    }
}

fn check_secret(reader: &mut Reader<'_>, secret: Option<&str>, in_production: bool) {
    match secret {
        None => {
            let remedy = format!("{SECRET_REMEDY}, or AUTH_MODE=header for local work");
            reader.problem("JWT_SECRET", "is not set", remedy);
        }
        Some(secret) if secret.len() < MIN_SECRET_BYTES => {
            reader.problem("JWT_SECRET", format!("has only {} bytes", secret.len()), SECRET_REMEDY);
        }
        Some(SAMPLE_SECRET) if in_production => {
            reader.problem("JWT_SECRET", "is the sample from .env.example, in production", SECRET_REMEDY);
        }
        Some(_) => {}
    }
}
