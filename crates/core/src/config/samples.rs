//! Passwords from this project's samples and default passwords of common servers. They are meant for development on one
//! machine; production refuses them.

use super::reader::Reader;
use super::server::Environment;

const SAMPLES: [&str; 11] = [
    "bulk",
    "bulk-services",
    "minioadmin",
    "minio",
    "postgres",
    "admin",
    "password",
    "secret",
    "changeme",
    "change-me",
    "root",
];

/// Records a problem if `password` is a sample and the environment is production. The value is not repeated.
pub(super) fn refuse_sample(
    reader: &mut Reader<'_>,
    variable: &'static str,
    password: &str,
    environment: Environment,
) {
    let is_sample = SAMPLES.iter().any(|sample| password.eq_ignore_ascii_case(sample));
    if environment == Environment::Production && is_sample {
        reader.problem(
            variable,
            "has a sample password, in production",
            "give one of your own, for example from `openssl rand -hex 24`",
        );
    }
}
