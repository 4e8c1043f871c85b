//! Test support: private stores for a whole test run, a database for every test, the real binaries as child processes,
//! and a client.
//!
//! `testkit run -- <command>` starts the stores once and names them in `TEST_*` variables. [`TestEnv`] takes a share of
//! them, so that tests can run side by side without seeing one another. A broken precondition panics, which is how a
//! test fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support fails the test it serves"
)]

mod client;
mod database;
mod env;
mod fault_proxy;
mod moves;
mod platform;
mod private_stores;
pub mod run;
mod services;

pub use client::{Client, Upload};
pub use env::TestEnv;
pub use fault_proxy::{Fault, FaultProxy};
pub use local::env_file::Variables;
pub use nix::sys::signal::Signal;
pub use platform::{Platform, PlatformOptions, run_to_end};
pub use private_stores::{PrivateStores, Store};
pub use reqwest::Response;
use services::TestServices;

/// Creates a database with the schema and without rows, which remains until the stores of the test run are removed, and
/// returns its URL.
pub async fn migrated_database() -> String {
    database::Database::create(&TestServices::from_env().database_url).await.url
}
