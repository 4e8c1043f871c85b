//! Ends the children of a `local` that was killed before it could end them.
//!
//! A pid file may be older than the last reboot, and another process may have its number. So a process is ended only if
//! it runs the program that belongs to the file's name.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::console;
use crate::os_process::{has_ended, running_program};
use crate::process::send_signal;

const GRACE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// Ends every process named by a pid file in `run` that runs the expected program, and removes the files.
///
/// Must be called only with the lock of the data directory.
pub async fn end_leftovers(run: &Path) -> Result<()> {
    for entry in fs::read_dir(run)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "pid") {
            continue;
        }
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let pid = fs::read_to_string(&path)?.trim().parse().ok();
        if let Some(pid) = pid.filter(|pid| is_running(*pid, program_for(&name))) {
            console::progress(format!("ending {name} (process {pid}), left by an earlier run"));
            end(pid, program_for(&name)).await?;
        }
        fs::remove_file(&path)?;
    }
    Ok(())
}

/// The program of a child's name. Numbered children share one, and Redis's program has a longer name.
fn program_for(name: &str) -> &str {
    match name {
        "redis" => "redis-server",
        _ => name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-'),
    }
}

async fn end(pid: u32, program: &str) -> Result<()> {
    for signal in [stop_signal(program), Signal::SIGKILL] {
        send_signal(pid, signal)?;
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if has_ended(pid) || running_program(pid).is_some_and(|running| running != program) {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }
    bail!("process {pid} ({program}) of an earlier run does not end")
}

/// Stores get a signal that lets them write their data. Services need no such time: they survive a crash by design, and
/// without the object store, which ended with the earlier `local`, they could not complete anything.
fn stop_signal(program: &str) -> Signal {
    match program {
        "postgres" => Signal::SIGINT,
        "redis-server" => Signal::SIGTERM,
        _ => Signal::SIGKILL,
    }
}

fn is_running(pid: u32, program: &str) -> bool {
    running_program(pid).is_some_and(|running| running == program)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn sleeper() -> Child {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        // The command line appears shortly after the process.
        let deadline = Instant::now() + GRACE;
        while !is_running(child.id(), "sleep") && Instant::now() < deadline {
            std::thread::yield_now();
        }
        child
    }

    #[test]
    fn the_program_is_known_from_the_name_of_the_child() {
        assert_eq!(program_for("processing-worker-12"), "processing-worker");
        assert_eq!(program_for("api"), "api");
        assert_eq!(program_for("redis"), "redis-server");
    }

    #[tokio::test]
    async fn a_process_left_by_an_earlier_run_is_ended() {
        let run = tempfile::tempdir().unwrap();
        let mut child = sleeper();
        let path = run.path().join("sleep-1.pid");
        fs::write(&path, format!("{}\n", child.id())).unwrap();
        end_leftovers(run.path()).await.unwrap();
        assert!(!path.exists());
        assert!(!child.wait().unwrap().success());
    }

    #[tokio::test]
    async fn a_process_that_runs_something_else_is_left_alone() {
        let run = tempfile::tempdir().unwrap();
        let mut child = sleeper();
        fs::write(run.path().join("api.pid"), child.id().to_string()).unwrap();
        end_leftovers(run.path()).await.unwrap();
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
