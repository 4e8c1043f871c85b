//! The API's process: command line, configuration, signals, exit code.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use api::entities::EntitiesError;
use bulk_core::config::{ApiConfig, Config, Settings};
use bulk_core::db::SessionBounds;
use bulk_core::dependencies::Dependencies;
use bulk_core::entity::Entities;
use bulk_core::shutdown::Shutdown;
use bulk_core::{db, erasure, health, telemetry};
use clap::{Parser, Subcommand};

/// Returns freed memory to the system. The system's own allocator keeps what a burst of uploads or downloads took, in an arena
/// for each thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The HTTP service of the bulk-action platform. Settings come from the environment; see .env.example.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Migrates the database of DATABASE_URL to the schema of this version, then exits.
    Migrate,
    /// Checks that the API on this machine is ready; the exit code is the result. For container health checks.
    Health,
    /// Prints the OpenAPI 3.1 description of the API, then exits.
    Openapi,
    /// Commands on entities.
    #[command(subcommand)]
    Entities(EntitiesCommand),
    /// Deletes everything of an account (actions, files, results, records, limits), counts what is left, and fails if
    /// anything is. Can be repeated after an interruption. Revoke the account's tokens first.
    Erase {
        /// The account's id.
        #[arg(long)]
        account: String,
    },
}

#[derive(Subcommand)]
enum EntitiesCommand {
    /// Compares every declaration with the database of DATABASE_URL and prints the differences as SQL. Changes nothing.
    Check,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        None => serve().await,
        Some(Command::Migrate) => migrate().await,
        Some(Command::Health) => ask_health().await,
        Some(Command::Openapi) => print_openapi(),
        Some(Command::Entities(EntitiesCommand::Check)) => check_entities().await,
        Some(Command::Erase { account }) => erase(&account).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> anyhow::Result<()> {
    let config = ApiConfig::from_settings(&Settings::from_process()?)?;
    let _telemetry = telemetry::init("api", &config.config.telemetry)?;
    let served = api::run(config, Shutdown::on_signals()?).await;
    if let Err(error) = &served {
        tracing::error!(error = error as &dyn std::error::Error, "api ended");
    }
    Ok(served?)
}

async fn migrate() -> anyhow::Result<()> {
    let settings = Settings::from_process()?;
    let url = settings.get("DATABASE_URL").context("DATABASE_URL is not set")?;
    Ok(db::migrate(url).await?)
}

async fn check_entities() -> anyhow::Result<()> {
    Ok(api::entities::check_command(&Settings::from_process()?).await?)
}

async fn ask_health() -> anyhow::Result<()> {
    let config = ApiConfig::from_settings(&Settings::from_process()?)?;
    let server = &config.config.server;
    health::ask_ready(server.near_address(server.port)).await?;
    Ok(())
}

async fn erase(account: &str) -> anyhow::Result<()> {
    let config = Config::from_settings(&Settings::from_process()?)?;
    let dependencies =
        Dependencies::open(&config, "api erase", SessionBounds::only_idle(config.worker.lease))?;
    db::require_schema(&dependencies.pool).await?;
    let entities = Entities::load(config.upload.entities_dir.as_deref()).map_err(EntitiesError::Wrong)?;
    let tables = erasure::record_tables(&dependencies.pool, &entities).await?;
    let erased = erasure::erase(&dependencies, account, &tables, config.worker.lease).await?;
    writeln!(std::io::stdout(), "{erased}")?;
    anyhow::ensure!(erased.is_complete(), "something of the account is left");
    Ok(())
}

fn print_openapi() -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(api::openapi_json().as_bytes())?)
}

/// Prints to stderr, because problems with the configuration occur before logging is set up.
#[allow(clippy::print_stderr)]
fn report(error: &anyhow::Error) {
    eprintln!("api: {error:#}");
}
