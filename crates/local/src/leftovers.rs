//! Ends the children of a `local` that was killed before it could end them.
//!
//! A pid file may be older than the last reboot, and another process may have its number. So a process is ended only if
//! it runs the program that belongs to the file's name.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::{console, process::send_signal};

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

/// True if a process has released everything, in particular its ports. Its command line disappears earlier, while its
/// last threads are still ending.
#[cfg(target_os = "linux")]
fn has_ended(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    // The state follows the name, which is in parentheses and may contain any character.
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    matches!(state, Some('Z' | 'X')) && threads <= 1
}

/// True if a process is gone, or dead and not reaped.
#[cfg(not(target_os = "linux"))]
fn has_ended(pid: u32) -> bool {
    let output = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| {
        let state = String::from_utf8_lossy(&output.stdout);
        state.trim().is_empty() || state.trim().starts_with('Z')
    })
}

/// The file name of the program that a live process runs.
#[cfg(target_os = "linux")]
#[must_use]
pub fn running_program(pid: u32) -> Option<String> {
    // Reads the command line rather than the `exe` link, which shows another file name for Redis and is unreadable for
    // processes of another user. The command line of a dead, unreaped process is empty.
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let program = command_line.split(|byte| matches!(byte, 0 | b' ')).next()?;
    file_name(std::str::from_utf8(program).ok()?)
}

/// The file name of the program that a live process runs.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn running_program(pid: u32) -> Option<String> {
    let output =
        std::process::Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output().ok()?;
    file_name(std::str::from_utf8(&output.stdout).ok()?.trim())
}

fn file_name(path: &str) -> Option<String> {
    Some(Path::new(path).file_name()?.to_str()?.to_owned())
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

    #[test]
    fn a_process_has_ended_when_it_is_dead_whether_or_not_somebody_waited_for_it() {
        let mut child = sleeper();
        assert!(!has_ended(child.id()));
        child.kill().unwrap();
        let deadline = Instant::now() + GRACE;
        while !has_ended(child.id()) && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(has_ended(child.id()));
        child.wait().unwrap();
        assert!(has_ended(child.id()));
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
