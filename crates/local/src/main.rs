//! Starts the platform on one machine: see the library.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use local::demo::{self, DemoOptions};
use local::generate::{self, Records};
use local::platform::LocalOptions;
use local::seed::{self, SeedOptions};
use local::token::{self, TokenOptions};
use local::{console, settings, up};

/// The bulk-action platform on one machine, with everything it needs.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the platform until Ctrl-C or SIGTERM.
    Up(UpArgs),
    /// Upload a file to a temporary platform, show its progress and result, and stop.
    Demo(DemoArgs),
    /// Print a token for a platform that runs with AUTH_MODE=jwt, signed with the JWT_SECRET of the environment or else of
    /// the data directory.
    Token(TokenArgs),
    /// Write made-up records as CSV to stdout.
    Generate(GenerateArgs),
    /// Put the records that `generate` would write into the database; those that are there stay as they are.
    Seed(SeedArgs),
}

#[derive(Args)]
struct UpArgs {
    /// Port of the API.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// Directory of data, logs and settings.
    #[arg(long, default_value = ".local")]
    data_dir: PathBuf,
    /// Number of processing workers.
    #[arg(long, default_value_t = 2)]
    processing_workers: u16,
    /// Number of chunking workers.
    #[arg(long, default_value_t = 1)]
    chunking_workers: u16,
}

#[derive(Args)]
struct DemoArgs {
    /// Number of contacts to make up and upload.
    #[arg(long, default_value_t = 100_000)]
    rows: u64,
    /// A CSV file of contacts to upload instead.
    #[arg(long, conflicts_with = "rows")]
    file: Option<PathBuf>,
    /// Directory of data, logs and settings.
    #[arg(long, default_value = ".local/demo")]
    data_dir: PathBuf,
}

#[derive(Args)]
struct TokenArgs {
    /// The account that the token is for.
    #[arg(long)]
    account: String,
    /// Permissions, such as "bulk:read bulk:write"; all if omitted.
    #[arg(long)]
    scope: Option<String>,
    /// Seconds until it expires.
    #[arg(long, default_value_t = 3600)]
    expires_in: u32,
    /// Data directory of the platform, with its settings.
    #[arg(long, default_value = ".local")]
    data_dir: PathBuf,
}

#[derive(Args)]
struct GenerateArgs {
    /// Name of the entity that the rows describe.
    #[arg(long)]
    entity: String,
    /// Directory with declarations of further entities.
    #[arg(long, env = "ENTITIES_DIR")]
    entities_dir: Option<PathBuf>,
    /// Number of rows.
    #[arg(long)]
    rows: u64,
    /// Seed of the values: the same seed gives the same rows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl GenerateArgs {
    fn records(self) -> Result<Records> {
        let entity = generate::find(&self.entity, self.entities_dir.as_deref())?;
        Ok(Records { entity, rows: self.rows, seed: self.seed, bad_rows: 0 })
    }
}

#[derive(Args)]
struct SeedArgs {
    #[command(flatten)]
    records: GenerateArgs,
    /// The account that the records belong to.
    #[arg(long, default_value = "demo")]
    account: String,
    /// Data directory of the platform, whose database is used unless DATABASE_URL is set.
    #[arg(long, default_value = ".local")]
    data_dir: PathBuf,
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
        Command::Up(UpArgs { port, data_dir, processing_workers, chunking_workers }) => {
            up::up(&data_dir, &LocalOptions { port, processing_workers, chunking_workers }).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(DemoArgs { rows, file, data_dir }) => {
            demo::demo(DemoOptions { rows, file, data_dir }).await
        }
        Command::Token(TokenArgs { account, scope, expires_in, data_dir }) => {
            let expires_in = Duration::from_secs(expires_in.into());
            let secret = token::secret(&data_dir)?;
            console::result(token::token(&TokenOptions { account, scope, expires_in }, &secret)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Generate(options) => {
            options.records()?.write(io::stdout().lock())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Seed(SeedArgs { records, account, data_dir }) => {
            let database_url = settings::given(&data_dir, "DATABASE_URL")?;
            let rows = records.rows;
            let records = records.records()?;
            let added = seed::seed(&SeedOptions { records, account }, &database_url).await?;
            console::progress(format!("{added} of {rows} records were added, the others were there"));
            Ok(ExitCode::SUCCESS)
        }
    }
}
