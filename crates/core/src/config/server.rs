//! Settings of the process: port, address, environment, shutdown time.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

use super::reader::Reader;

/// Environment of the process. Production refuses settings that are convenient but unsafe.
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
    /// The name used in `NODE_ENV`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
            Self::Test => "test",
        }
    }
}

/// Settings of the process.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// `PORT`: the API's TCP port, 0 for any free one. Default 3000.
    pub port: u16,
    /// `BIND_ADDRESS`: listening address of the API and of the workers' health ports. Default empty: 127.0.0.1 under
    /// `local` and with header authentication outside production, otherwise all addresses.
    pub bind_address: Option<IpAddr>,
    /// `NODE_ENV`: development, production or test. Default development.
    pub environment: Environment,
    /// `SHUTDOWN_TIMEOUT_MS`: time for running work to finish after a shutdown signal, in milliseconds. Default 25000,
    /// because orchestrators usually kill after 30 s.
    pub shutdown_timeout: Duration,
}

impl ServerConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            port: reader.number("PORT", 3000, 0..=u16::MAX),
            bind_address: reader.address("BIND_ADDRESS"),
            environment: read_environment(reader),
            shutdown_timeout: reader.duration_ms("SHUTDOWN_TIMEOUT_MS", 25_000, 100..=600_000),
        }
    }
}

impl ServerConfig {
    /// Address at which a process on the same machine reaches a server listening on `port`.
    #[must_use]
    pub fn near_address(&self, port: u16) -> SocketAddr {
        let specific = self.bind_address.filter(|address| !address.is_unspecified());
        (specific.unwrap_or(Ipv4Addr::LOCALHOST.into()), port).into()
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
