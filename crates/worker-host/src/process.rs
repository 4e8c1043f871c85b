//! A worker's process: command line, configuration, signals, exit code. The same for both workers.

use std::pin::Pin;
use std::process::ExitCode;

use bulk_core::config::{Config, Settings, WorkerConfig};
use bulk_core::shutdown::Shutdown;
use bulk_core::{health, telemetry};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::HostError;

/// Settings come from the environment; see .env.example.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Checks that the worker on this machine is ready; the exit code is the result. For container health checks.
    Health,
}

/// A running worker. Boxed, because a future that is not behind a pointer is compiled in the crate that awaits it: the whole
/// worker a second time, in its binary.
pub type Running = Pin<Box<dyn Future<Output = Result<(), HostError>> + Send>>;

/// A worker as a process.
pub struct Service {
    /// Name of the program, also in logs and metrics.
    pub name: &'static str,
    /// Port of health and metrics.
    pub health_port: fn(&WorkerConfig) -> u16,
    /// Runs the worker until the shutdown.
    pub run: fn(Config, Shutdown) -> Running,
}

/// Runs the worker, or the subcommand of the command line, and returns the exit code of the process.
pub async fn main(service: Service) -> ExitCode {
    let name = service.name;
    let matches = Arguments::command().name(name).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match arguments.command {
        None => work(service).await,
        Some(Command::Health) => ask_health(service.health_port).await,
    };
    done.unwrap_or_else(|error| {
        report(name, &error);
        ExitCode::FAILURE
    })
}

/// Runs the worker. An error before logging is set up is returned; a later one is logged and only determines the exit
/// code.
async fn work(service: Service) -> anyhow::Result<ExitCode> {
    let config = Config::from_settings(&Settings::from_process()?)?;
    let _telemetry = telemetry::init(service.name, &config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    if let Err(error) = (service.run)(config, shutdown).await {
        // While the guard of the telemetry lives, so that the last line of a worker that could not start is shipped
        // too.
        tracing::error!(error = &error as &dyn std::error::Error, "the worker could not run");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask_health(health_port: fn(&WorkerConfig) -> u16) -> anyhow::Result<ExitCode> {
    let config = Config::from_settings(&Settings::from_process()?)?;
    health::ask_ready(config.server.near_address(health_port(&config.worker))).await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints to stderr, because problems with the configuration occur before logging is set up.
#[allow(clippy::print_stderr)]
fn report(name: &str, error: &anyhow::Error) {
    eprintln!("{name}: {error:#}");
}
