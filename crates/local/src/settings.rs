//! Settings of the services.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::data_dir::DataDir;
use crate::env_file::{self, Variables};

/// Variables that the user may set for the services. All are passed on, and the env file shows those that are set.
const FROM_ENVIRONMENT: [&str; 47] = [
    "PAGE",
    "ENTITIES_DIR",
    "NODE_ENV",
    "BIND_ADDRESS",
    "DATABASE_URL",
    "DATABASE_MAX_CONNECTIONS",
    "REDIS_URL",
    "REDIS_KEY_PREFIX",
    "MINIO_ENDPOINT",
    "MINIO_PORT",
    "MINIO_USE_SSL",
    "MINIO_ACCESS_KEY",
    "MINIO_SECRET_KEY",
    "MINIO_BUCKET_NAME",
    "MINIO_REGION",
    "MINIO_PUBLIC_URL",
    "AUTH_MODE",
    "JWT_SECRET",
    "JWT_SECRET_PREVIOUS",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "ALLOW_HEADER_AUTH_IN_PRODUCTION",
    "RATE_LIMIT_WINDOW_MS",
    "RATE_LIMIT_MAX_REQUESTS",
    "BULK_ACTION_RATE_LIMIT",
    "ADDRESS_RATE_LIMIT",
    "TRUST_PROXY",
    "ALLOWED_ORIGINS",
    "MAX_FILE_SIZE_MB",
    "MAX_CSV_ROWS",
    "CHUNK_SIZE",
    "MAX_PARTITIONS",
    "LOKI_URL",
    "LOG_LEVEL",
    "CHUNKING_CONCURRENCY",
    "PROCESSING_CONCURRENCY",
    "LEASE_MS",
    "RECONCILE_INTERVAL_MS",
    "MAX_CHUNKS_IN_FLIGHT_PER_ACCOUNT",
    "MAX_CHUNK_ATTEMPTS",
    "CHUNK_RETENTION_HOURS",
    "FILE_RETENTION_DAYS",
    "RESULT_RETENTION_DAYS",
    "ACTION_RETENTION_DAYS",
    "MAX_OPEN_ACTIONS_PER_ACCOUNT",
    "MAX_STORED_MB_PER_ACCOUNT",
    "SHUTDOWN_TIMEOUT_MS",
];

/// Settings of the services: defaults of the embedded platform, overridden by the environment, overridden by the
/// private stores.
pub(crate) fn for_services(data_dir: &DataDir, port: u16, stores: &Variables) -> Result<Variables> {
    let mut settings = Variables::from([
        ("NODE_ENV".to_owned(), "development".to_owned()),
        ("BIND_ADDRESS".to_owned(), "127.0.0.1".to_owned()),
        ("AUTH_MODE".to_owned(), "header".to_owned()),
        ("JWT_SECRET".to_owned(), data_dir.secret("JWT_SECRET")?),
    ]);
    settings
        .extend(FROM_ENVIRONMENT.iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?))));
    settings.extend(stores.clone());
    settings.insert("PORT".to_owned(), port.to_string());
    Ok(settings)
}

/// A setting of the services on a data directory: the variable of this process, otherwise the value in the directory's
/// `env` file, which exists while the platform runs.
pub fn given(data_dir: &Path, name: &str) -> Result<String> {
    match env::var(name).ok().filter(|value| !value.trim().is_empty()) {
        Some(value) => Ok(value),
        None => env_file::read(&data_dir.join("env"))?.remove(name).with_context(|| {
            format!(
                "no {name} in the environment, and none in {}/env: run `local up` first",
                data_dir.display()
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set for each process by the platform itself.
    const OWN: [&str; 3] = ["PORT", "CHUNKING_HEALTH_PORT", "PROCESSING_HEALTH_PORT"];

    #[test]
    fn every_variable_that_the_services_read_is_shown() {
        let unknown: Vec<_> = bulk_core::config::known_variables()
            .into_iter()
            .filter(|name| !FROM_ENVIRONMENT.contains(name) && !OWN.contains(name))
            .collect();
        assert_eq!(unknown, [""; 0]);
    }
}
