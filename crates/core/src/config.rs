//! What the services are told from outside, checked once at the start.
//!
//! Raw [`Settings`] (names and strings) become a [`Config`] (types and ranges) in one step that names every problem at
//! once, so that nothing downstream checks a setting again. This module is the only one that reads the environment.

mod auth;
mod database;
mod http;
mod problem;
mod rate_limit;
mod reader;
mod redis;
mod retention;
mod samples;
mod server;
mod settings;
mod storage;
mod telemetry;
mod upload;
mod worker;

pub use auth::{AuthMode, JwtConfig};
pub use database::DatabaseConfig;
pub use http::{AllowedOrigins, HttpConfig};
pub use problem::{ConfigError, Problem};
pub use rate_limit::RateLimitConfig;
pub use redis::RedisConfig;
pub use retention::RetentionConfig;
pub use server::{Environment, ServerConfig};
pub use settings::Settings;
pub use storage::StorageConfig;
pub use telemetry::TelemetryConfig;
pub use upload::UploadConfig;
pub use worker::WorkerConfig;

use reader::Reader;

/// What every service needs. The workers need nothing else; the API adds what [`ApiConfig`] has.
#[derive(Clone, Debug)]
pub struct Config {
    /// The process itself.
    pub server: ServerConfig,
    /// PostgreSQL.
    pub database: DatabaseConfig,
    /// Redis.
    pub redis: RedisConfig,
    /// The S3 object store.
    pub storage: StorageConfig,
    /// Limits of one upload, and how it is cut into chunks.
    pub upload: UploadConfig,
    /// The job engine of both workers.
    pub worker: WorkerConfig,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

/// What the API needs: a worker must start without a `JWT_SECRET`, so what concerns callers stands apart from [`Config`].
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// What the API has in common with the workers.
    pub config: Config,
    /// How callers prove who they are.
    pub auth: AuthMode,
    /// How many requests are answered.
    pub rate_limit: RateLimitConfig,
    /// What stands between the API and those who reach it over HTTP.
    pub http: HttpConfig,
}

impl Config {
    /// Checks the settings of a worker.
    ///
    /// # Errors
    /// [`ConfigError`] lists every problem, not only the first.
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(settings);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let server = ServerConfig::read(reader);
        let telemetry = TelemetryConfig::read(reader, server.environment);
        Self {
            database: DatabaseConfig::read(reader, server.environment),
            redis: RedisConfig::read(reader, server.environment),
            storage: StorageConfig::read(reader, server.environment),
            upload: UploadConfig::read(reader),
            worker: WorkerConfig::read(reader),
            retention: RetentionConfig::read(reader),
            telemetry,
            server,
        }
    }
}

impl ApiConfig {
    /// Checks the settings of the API.
    ///
    /// # Errors
    /// [`ConfigError`] lists every problem, not only the first.
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(settings);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let config = Config::read(reader);
        let auth = AuthMode::read(reader, config.server.environment);
        let rate_limit = RateLimitConfig::read(reader);
        let http = HttpConfig::read(reader, &config.server, &auth);
        Self { config, auth, rate_limit, http }
    }
}

/// The name of every variable that the services read, in alphabetical order. It is found by reading, so it cannot
/// differ from what the code does.
#[must_use]
pub fn known_variables() -> Vec<&'static str> {
    let settings = Settings::default();
    let mut reader = Reader::new(&settings);
    ApiConfig::read(&mut reader);
    reader.names_read()
}

#[cfg(test)]
mod tests;
