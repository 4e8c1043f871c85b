//! Runs tests on private stores: see the library.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Support for the tests of the bulk-action platform.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a command on a PostgreSQL, a Redis and an object store that exist as long as it runs.
    Run {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    },
    /// Create a database with the schema and without rows, within `testkit run`, and print its URL.
    Database,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Run { command } => testkit::run::run(&command).await,
        Command::Database => {
            local::console::result(testkit::migrated_database().await);
            Ok(ExitCode::SUCCESS)
        }
    }
}
