//! `testkit run -- <command>`: stores for the duration of a command.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context as _, Result};
use local::data_dir::DataDir;
use local::env_file::Variables;
use local::postgres::Durability;
use local::process::send_signal;
use local::signals::EndSignals;
use local::stores::{self, Outside, Stores};
use local::supervisor::Supervisor;
use nix::sys::signal::Signal;
use tokio::process::Command;

use crate::services::TestServices;

/// Starts private stores in a temporary directory, runs the command with the `TEST_*` variables that name them, stops
/// and removes everything, and returns the command's exit code. Signals that end the process are passed on to the
/// command.
pub async fn run(command: &[OsString]) -> Result<ExitCode> {
    let mut signals = EndSignals::listen()?;
    let directory = tempfile::Builder::new().prefix("testkit-").tempdir()?;
    let data_dir = DataDir::open(directory.path())?;
    let mut supervisor = Supervisor::new(data_dir.logs(), data_dir.run());
    let end = tokio::select! {
        stores = Stores::start(&data_dir, &mut supervisor, Outside::Never, Durability::None) => Some(stores),
        () = signals.next() => None,
    };
    let end = match end {
        Some(Ok(stores)) => {
            run_command(command, TestServices::variables(&stores.settings), &mut signals).await
        }
        Some(Err(error)) => Err(error),
        None => Ok(interrupted()),
    };
    stores::stop(&mut supervisor).await;
    drop(data_dir);
    directory.close().context("cannot remove the temporary directory")?;
    end
}

async fn run_command(
    command: &[OsString],
    variables: Variables,
    signals: &mut EndSignals,
) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command to run")?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status?)),
            () = signals.next() => {
                if let Some(pid) = child.id() {
                    send_signal(pid, Signal::SIGTERM)?;
                }
            }
        }
    }
}

/// The exit code that a shell reports: 128 plus the signal that ended the command.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn interrupted() -> ExitCode {
    ExitCode::from(130)
}
