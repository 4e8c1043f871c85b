//! Measures the platform against PostgreSQL's own limit; see the library.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use bench::report::Report;
use bench::services::Services;
use bench::workload::{Action, Identity, Workload};
use bench::{idle, latency, pair};
use clap::Parser;
use local::data_dir::DataDir;
use local::platform::{self, End, LocalOptions};

/// Measures how many rows per second the platform applies, compared with PostgreSQL itself, on private services.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Rows per file; several values are measured one after another.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    rows: Vec<u32>,
    /// Operation applied to each row.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "create,update,upsert,delete")]
    actions: Vec<Action>,
    /// Columns that identify the record; several values are measured one after another. `id` and `both` need existing
    /// records: `update` and `delete`.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "email")]
    identities: Vec<Identity>,
    /// Percentage of rows for a record that already occurred; several values are measured one after another.
    #[arg(long, value_delimiter = ',', default_value = "0")]
    duplicates: Vec<u32>,
    /// Upload with `deduplicate`.
    #[arg(long)]
    deduplicate: bool,
    /// Number of rounds per pair.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Number of processing workers.
    #[arg(long, default_value_t = 2)]
    processing_workers: u16,
    /// Directory of the services' data.
    #[arg(long, default_value = ".local/bench")]
    data_dir: PathBuf,
    /// Also write all results as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let port = DataDir::open(&cli.data_dir)?.port("api")?;
    let options = LocalOptions { port, processing_workers: cli.processing_workers, chunking_workers: 1 };
    let end = platform::run(&cli.data_dir, &options, async |platform| {
        let services = Services::of(platform).await?;
        measure(&cli, &services).await
    })
    .await?;
    let End::Done(report) = end else { return Ok(ExitCode::from(130)) };
    if let Some(path) = &cli.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    writeln!(std::io::stdout(), "{}", report.markdown())?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(cli: &Cli, services: &Services) -> Result<Report> {
    let idle = idle::measure(services).await?;
    let latency = latency::measure(services).await?;
    let mut pairs = Vec::new();
    for workload in workloads(cli) {
        let pair = pair::measure(services, workload, cli.rounds).await?;
        local::console::progress(format!(
            "{} {} by {:?}: ratio {:.2}",
            workload.action.action_type(),
            workload.rows,
            workload.identity,
            pair.ratio()
        ));
        pairs.push(pair);
    }
    Ok(Report {
        date: chrono::Utc::now().format("%Y-%m-%d").to_string(),
        postgres: sqlx::query_scalar("SELECT 'PostgreSQL ' || current_setting('server_version')")
            .fetch_one(&services.pool)
            .await?,
        processors: std::thread::available_parallelism()?.get(),
        processing_workers: cli.processing_workers,
        rounds: cli.rounds,
        pairs,
        latency,
        idle,
    })
}

/// All combinations of the options, without those that need ids of records that do not exist yet.
fn workloads(cli: &Cli) -> Vec<Workload> {
    let mut workloads = Vec::new();
    for &rows in &cli.rows {
        for &action in &cli.actions {
            for &identity in &cli.identities {
                if identity.has_id() && !(action.exists_before(0) && action.exists_before(1)) {
                    continue;
                }
                for &duplicates_percent in &cli.duplicates {
                    let deduplicate = cli.deduplicate;
                    workloads.push(Workload { action, identity, rows, duplicates_percent, deduplicate });
                }
            }
        }
    }
    workloads
}
