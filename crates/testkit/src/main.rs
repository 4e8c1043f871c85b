//! Runs tests on private stores: see the library.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use local::console;

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
async fn main() -> ExitCode {
    run(Cli::parse().command).await.unwrap_or_else(|error| {
        console::progress(format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run { command } => testkit::run::run(&command).await,
        Command::Database => {
            console::result(testkit::migrated_database().await);
            Ok(ExitCode::SUCCESS)
        }
    }
}
