//! Configuration of the services, checked once at startup.
//!
//! Raw [`Settings`] (names and strings) become a [`Config`] (types and ranges) in one step that reports all problems at
//! once. Later code does not check a setting again. Only this module reads the environment.

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

/// Configuration shared by all services. The workers need nothing else; the API adds [`ApiConfig`].
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
    /// Limits of an upload, and its division into chunks.
    pub upload: UploadConfig,
    /// The job engine of both workers.
    pub worker: WorkerConfig,
    /// Retention times.
    pub retention: RetentionConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

/// Configuration of the API. Client-facing settings are separate from [`Config`], because a worker must start without a
/// `JWT_SECRET`.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Configuration shared with the workers.
    pub config: Config,
    /// Authentication of clients.
    pub auth: AuthMode,
    /// Rate limits.
    pub rate_limit: RateLimitConfig,
    /// HTTP settings: allowed origins, proxy, listening address.
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

/// The names of all variables that the services read, in alphabetical order. The names are recorded while reading, so
/// the list cannot differ from the code.
#[must_use]
pub fn known_variables() -> Vec<&'static str> {
    let settings = Settings::default();
    let mut reader = Reader::new(&settings);
    ApiConfig::read(&mut reader);
    reader.names_read()
}

#[cfg(test)]
mod tests;
