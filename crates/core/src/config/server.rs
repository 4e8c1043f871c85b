//! The process itself: where it listens, what kind of place it runs in, how long it may take to stop.

use std::time::Duration;

use serde::Serialize;

use super::reader::Reader;

/// The kind of place the process runs in. Production refuses what is convenient but unsafe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine.
    #[default]
    Development,
    /// Real users' data.
    Production,
    /// A test run.
    Test,
}

impl Environment {
    /// The name as it is written in `NODE_ENV`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
            Self::Test => "test",
        }
    }
}

/// The process itself.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// `PORT`: the API's TCP port, 0 for any free one. Default 3000.
    pub port: u16,
    /// `NODE_ENV`: development, production or test. Default development.
    pub environment: Environment,
    /// `SHUTDOWN_TIMEOUT_MS`: how long a stopping process may finish its work, in milliseconds. Default 25000, because
    /// orchestrators kill after 30 s.
    pub shutdown_timeout: Duration,
}

impl ServerConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            port: reader.number("PORT", 3000, 0..=u16::MAX),
            environment: read_environment(reader),
            shutdown_timeout: reader.duration_ms("SHUTDOWN_TIMEOUT_MS", 25_000, 100..=600_000),
        }
    }
}

fn read_environment(reader: &mut Reader<'_>) -> Environment {
    match reader.text("NODE_ENV") {
        None | Some("development") => Environment::Development,
        Some("production") => Environment::Production,
        Some("test") => Environment::Test,
        Some(other) => {
            reader.problem("NODE_ENV", format!("is {other:?}"), "give development, production or test");
            Environment::default()
        }
    }
}
