//! Owns the child processes: starts them, restarts them when they die, and stops them in the requested order.
//!
//! One task per child waits for its end. A restarted child keeps its settings and so its port. After a crash PostgreSQL
//! may need several attempts, until the last process of the previous instance has released the shared memory.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::console;
use crate::log_rotation::keep_small;
use crate::process::{Process, ProcessSpec, describe_exit, log_path, pid_path};

/// Wait before the first restart; doubled after every early death.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// Longest wait; short, because a person is waiting.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// Running time after which the wait starts at [`FIRST_DELAY`] again.
const STEADY_AFTER: Duration = Duration::from_secs(1);

/// State of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildState {
    /// Process id, while it runs.
    pub pid: Option<u32>,
    /// Number of unrequested ends.
    pub deaths: u32,
}

/// The child processes of this process.
#[derive(Debug)]
pub struct Supervisor {
    logs: PathBuf,
    run: PathBuf,
    children: Vec<Child>,
}

#[derive(Debug)]
struct Child {
    name: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// A supervisor without children that keeps logs and pid files in these directories.
    #[must_use]
    pub fn new(logs: PathBuf, run: PathBuf) -> Self {
        Self { logs, run, children: Vec::new() }
    }

    /// Starts a process and keeps it running. Fails if the first start fails.
    pub fn start(&mut self, spec: ProcessSpec) -> Result<watch::Receiver<ChildState>> {
        let process = Process::spawn(&spec, &self.logs, &self.run)?;
        let (state, receiver) = watch::channel(ChildState { pid: Some(process.pid()), deaths: 0 });
        let stop = CancellationToken::new();
        let name = spec.name.clone();
        let log = log_path(&self.logs, &name);
        // Log rotation ends with the child, not with its process: a restarted process appends to the same file.
        let small = stop.clone();
        tokio::spawn(async move { small.run_until_cancelled(keep_small(log)).await });
        let keeper =
            Keeper { spec, logs: self.logs.clone(), run: self.run.clone(), state, stop: stop.clone() };
        let task = tokio::spawn(keeper.keep(process));
        self.children.push(Child { name, stop, task });
        Ok(receiver)
    }

    /// Stops the children selected by the filter concurrently, and waits until they are gone.
    pub async fn stop(&mut self, is_picked: impl Fn(&str) -> bool) {
        let (picked, kept) = self.children.drain(..).partition(|child| is_picked(&child.name));
        self.children = kept;
        join_all(picked.into_iter().map(|child: Child| {
            child.stop.cancel();
            child.task
        }))
        .await;
    }
}

/// Keeps a child running until it is stopped.
struct Keeper {
    spec: ProcessSpec,
    logs: PathBuf,
    run: PathBuf,
    state: watch::Sender<ChildState>,
    stop: CancellationToken,
}

impl Keeper {
    async fn keep(self, mut process: Process) {
        let mut delay = FIRST_DELAY;
        loop {
            let started = Instant::now();
            let end = tokio::select! {
                end = process.wait() => end.map_or_else(|error| error.to_string(), describe_exit),
                () = self.stop.cancelled() => {
                    self.end(process).await;
                    return;
                }
            };
            // Before the restart, so that a caller waiting for readiness sees the death even if the next process starts
            // at once.
            self.state.send_modify(|state| *state = ChildState { pid: None, deaths: state.deaths + 1 });
            console::progress(format!("{} ended with {end}; starting it again", self.spec.name));
            if started.elapsed() >= STEADY_AFTER {
                delay = FIRST_DELAY;
            }
            match self.spawn_after(&mut delay).await {
                Some(successor) => process = successor,
                None => return,
            }
        }
    }

    /// Retries until the process starts; `None` if it is stopped meanwhile.
    async fn spawn_after(&self, delay: &mut Duration) -> Option<Process> {
        loop {
            tokio::select! {
                () = sleep(*delay) => {}
                // A stop must end the wait as well, or the supervisor would start the child again after it.
                () = self.stop.cancelled() => return None,
            }
            *delay = (*delay * 2).min(LONGEST_DELAY);
            match Process::spawn(&self.spec, &self.logs, &self.run) {
                Ok(process) => {
                    self.state.send_modify(|state| state.pid = Some(process.pid()));
                    return Some(process);
                }
                Err(error) => console::progress(format!("{error:#}")),
            }
        }
    }

    async fn end(&self, process: Process) {
        if let Err(error) = process.stop(self.spec.stop_signal, self.spec.stop_grace).await {
            console::progress(format!("{}: {error:#}", self.spec.name));
        }
        // Removed only here: after a crash of `local` the pid file must remain for the next run.
        let _ = std::fs::remove_file(pid_path(&self.run, &self.spec.name));
    }
}
