//! Processes as the operating system lists them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

fn with_process<T>(pid: u32, read: impl FnOnce(&Process) -> T) -> Option<T> {
    let (mut system, pid) = (System::new(), Pid::from_u32(pid));
    let kind = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always).with_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
    system.process(pid).map(read)
}

/// True if a process has released everything, in particular its ports: it is gone, or dead and not reaped. Its command
/// line disappears earlier, while its last threads are still ending.
#[must_use]
pub fn has_ended(pid: u32) -> bool {
    let is_dead = |process: &Process| {
        matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
            && process.tasks().is_none_or(HashSet::is_empty)
    };
    with_process(pid, is_dead).unwrap_or(true)
}

/// The file name of the program that a live process runs.
#[must_use]
pub fn running_program(pid: u32) -> Option<String> {
    with_process(pid, |process| program(process.cmd().first()?)).flatten()
}

/// Reads the command line rather than the executable, which has another file name for Redis and is unreadable for processes
/// of another user. Servers that describe themselves there write everything into the first argument.
fn program(command: &OsStr) -> Option<String> {
    let path = command.to_str()?.split(' ').next()?;
    Some(Path::new(path).file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    #[test]
    fn a_process_has_ended_when_it_is_dead_whether_or_not_somebody_waited_for_it() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        assert!(!has_ended(child.id()));
        child.kill().unwrap();
        let deadline = Instant::now() + GRACE;
        while !has_ended(child.id()) && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(has_ended(child.id()));
        assert_eq!(running_program(child.id()), None);
        child.wait().unwrap();
        assert!(has_ended(child.id()));
    }

    #[test]
    fn the_program_is_the_first_word_of_the_command_line() {
        assert_eq!(
            program(OsStr::new("/usr/bin/redis-server 127.0.0.1:6379")).as_deref(),
            Some("redis-server")
        );
        assert_eq!(program(OsStr::new("sleep")).as_deref(), Some("sleep"));
    }
}
