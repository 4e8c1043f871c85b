//! Addresses of the stores of this test run.

use std::env;

use local::env_file::Variables;

/// The stores started by `testkit run`, or any others named by the same variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestServices {
    /// `TEST_DATABASE_URL`: URL of a superuser, for creating databases.
    pub(crate) database_url: String,
    /// `TEST_REDIS_URL`.
    pub(crate) redis_url: String,
    /// `TEST_S3_ENDPOINT`: a host name.
    pub(crate) s3_endpoint: String,
    /// `TEST_S3_PORT`.
    pub(crate) s3_port: String,
    /// `TEST_S3_ACCESS_KEY`.
    pub(crate) s3_access_key: String,
    /// `TEST_S3_SECRET_KEY`.
    pub(crate) s3_secret_key: String,
}

impl TestServices {
    /// Reads the variables. Panics if one is missing.
    #[must_use]
    pub(crate) fn from_env() -> Self {
        Self {
            database_url: variable("TEST_DATABASE_URL"),
            redis_url: variable("TEST_REDIS_URL"),
            s3_endpoint: variable("TEST_S3_ENDPOINT"),
            s3_port: variable("TEST_S3_PORT"),
            s3_access_key: variable("TEST_S3_ACCESS_KEY"),
            s3_secret_key: variable("TEST_S3_SECRET_KEY"),
        }
    }

    /// The variables read by [`TestServices::from_env`], from the settings of the stores.
    #[must_use]
    pub(crate) fn variables(stores: &Variables) -> Variables {
        [
            ("TEST_DATABASE_URL", "DATABASE_URL"),
            ("TEST_REDIS_URL", "REDIS_URL"),
            ("TEST_S3_ENDPOINT", "MINIO_ENDPOINT"),
            ("TEST_S3_PORT", "MINIO_PORT"),
            ("TEST_S3_ACCESS_KEY", "MINIO_ACCESS_KEY"),
            ("TEST_S3_SECRET_KEY", "MINIO_SECRET_KEY"),
        ]
        .map(|(variable, setting)| (variable.to_owned(), stores[setting].clone()))
        .into()
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run the tests by `cargo run -p testkit -- run -- cargo nextest run …`, \
             or everything by ./scripts/test"
        )
    })
}
