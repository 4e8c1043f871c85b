//! The processing worker's process: configuration, signals, exit code.

use std::process::ExitCode;

use bulk_core::config::{Config, Settings};
use bulk_core::shutdown::Shutdown;
use bulk_core::telemetry;

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "processing-worker ended");
            report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn start() -> anyhow::Result<()> {
    let config = Config::from_settings(&Settings::from_process()?)?;
    let _telemetry = telemetry::init("processing-worker", &config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    processing_worker::run(config, shutdown).await?;
    Ok(())
}

/// Problems with the configuration come before there is a log to write them to.
#[allow(clippy::print_stderr)]
fn report(error: &anyhow::Error) {
    eprintln!("processing-worker: {error:#}");
}
