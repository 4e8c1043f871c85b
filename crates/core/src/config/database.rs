//! PostgreSQL connection settings.

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use tracing_loki::url::Url;

use super::reader::Reader;
use super::samples::refuse_sample;
use super::server::Environment;

const URL_REMEDY: &str =
    "give postgres://user:password@host:5432/database, special characters percent-encoded";

/// PostgreSQL connection settings.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: required; contains the password.
    pub url: SecretString,
    /// `DATABASE_MAX_CONNECTIONS`: size of this process' pool, in connections. Default 16.
    pub max_connections: u32,
}

impl DatabaseConfig {
    pub(super) fn read(reader: &mut Reader<'_>, environment: Environment) -> Self {
        let url = reader.required_secret("DATABASE_URL", URL_REMEDY);
        if !url.expose_secret().is_empty() && !is_postgres_url(url.expose_secret()) {
            reader.problem("DATABASE_URL", "is not a PostgreSQL URL", URL_REMEDY);
        }
        let parsed = Url::parse(url.expose_secret()).ok();
        if let Some(password) = parsed.as_ref().and_then(Url::password) {
            refuse_sample(reader, "DATABASE_URL", password, environment);
        }
        Self { url, max_connections: reader.number("DATABASE_MAX_CONNECTIONS", 16, 1..=1000) }
    }
}

fn is_postgres_url(url: &str) -> bool {
    let has_scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
    has_scheme && url.parse::<PgConnectOptions>().is_ok()
}
