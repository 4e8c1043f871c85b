//! A child process with its log file and pid file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::env_file::Variables;
use crate::run_as::RunAs;

/// Description of a child process.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// Name of the log and pid files.
    pub name: String,
    /// Path of the program.
    pub program: PathBuf,
    /// Arguments.
    pub args: Vec<OsString>,
    /// Environment variables in addition to this process's own.
    pub env: Variables,
    /// Another operating system user for the program.
    pub run_as: Option<RunAs>,
    /// Signal for stopping the program.
    pub stop_signal: Signal,
    /// Time for the program to end before it is killed.
    pub stop_grace: Duration,
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: u32,
}

impl Process {
    /// Starts the program with its output appended to `<logs>/<name>.log` and its pid in `<run>/<name>.pid`.
    ///
    /// The child gets its own process group: a Ctrl-C at the terminal reaches only this process, which then stops the
    /// children in order.
    pub fn spawn(spec: &ProcessSpec, logs: &Path, run: &Path) -> Result<Self> {
        let log = open_log(&log_path(logs, &spec.name))?;
        let mut command = match &spec.run_as {
            Some(run_as) => {
                let mut command = run_as.command(&spec.program);
                // That user may not be allowed to enter the current directory.
                command.current_dir("/");
                command
            }
            None => Command::new(&spec.program),
        };
        let child = command
            .args(&spec.args)
            .envs(&spec.env)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", spec.program.display()))?;
        let pid = child.id().context("the process ended while it started")?;
        write_pid(&pid_path(run, &spec.name), pid)?;
        Ok(Self { child, pid })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        send_signal(self.pid, signal)
    }

    /// Waits for the end. Cancel-safe.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Sends the signal, and kills the program if it does not end within the grace period.
    pub async fn stop(mut self, signal: Signal, grace: Duration) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            self.signal(signal)?;
            if timeout(grace, self.child.wait()).await.is_err() {
                self.child.kill().await?;
            }
        }
        Ok(())
    }
}

/// Path of the log of the process with this name.
#[must_use]
pub(crate) fn log_path(logs: &Path, name: &str) -> PathBuf {
    logs.join(format!("{name}.log"))
}

/// Path of the pid file of the process with this name.
#[must_use]
pub fn pid_path(run: &Path, name: &str) -> PathBuf {
    run.join(format!("{name}.pid"))
}

/// Opens a log file for appending.
pub(crate) fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The last lines of a log file; empty if there is none.
#[must_use]
pub fn log_tail(logs: &Path, name: &str, lines: usize) -> String {
    let text = fs::read(log_path(logs, name)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Sends a signal to a process that may have ended already.
pub fn send_signal(pid: u32, signal: Signal) -> Result<()> {
    match kill(Pid::from_raw(i32::try_from(pid)?), signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot send {signal} to process {pid}")),
    }
}

/// Description of an exit status.
#[must_use]
pub(crate) fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".to_owned(),
    }
}

/// Renamed into place, so that readers never see an empty file.
fn write_pid(path: &Path, pid: u32) -> Result<()> {
    let unfinished = path.with_extension("pid.new");
    fs::write(&unfinished, format!("{pid}\n"))?;
    fs::rename(unfinished, path)?;
    Ok(())
}
