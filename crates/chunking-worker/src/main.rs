//! The chunking worker's process: command line, configuration, signals, exit code.

use std::process::ExitCode;

use bulk_core::config::{Config, Settings};
use bulk_core::shutdown::Shutdown;
use bulk_core::{health, telemetry};
use clap::Parser;
use worker_http::Command;

/// The chunking worker of the bulk-action platform. Settings come from the environment; see .env.example.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        None => start().await,
        Some(Command::Health) => ask_health().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "chunking-worker ended");
            report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn start() -> anyhow::Result<()> {
    let config = Config::from_settings(&Settings::from_process()?)?;
    let _telemetry = telemetry::init("chunking-worker", &config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    chunking_worker::run(config, shutdown).await?;
    Ok(())
}

async fn ask_health() -> anyhow::Result<()> {
    let config = Config::from_settings(&Settings::from_process()?)?;
    health::ask_ready(config.server.near_address(config.worker.chunking_health_port)).await?;
    Ok(())
}

/// Problems with the configuration come before there is a log to write them to.
#[allow(clippy::print_stderr)]
fn report(error: &anyhow::Error) {
    eprintln!("chunking-worker: {error:#}");
}
