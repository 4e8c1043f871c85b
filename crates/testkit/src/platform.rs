//! The real binaries as child processes of a test.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use local::env_file::Variables;
use local::ports;
use local::process::{Process, ProcessSpec, log_tail};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{Client, TestEnv};

const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// The services exit within 30 s of a signal.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// Number of workers, and settings in addition to those of the [`TestEnv`].
#[derive(Debug, Clone)]
pub struct PlatformOptions {
    /// Number of processes `processing-worker-1`, `-2`, ….
    pub processing_workers: u16,
    /// Number of processes `chunking-worker-1`, `-2`, ….
    pub chunking_workers: u16,
    /// Settings that replace or extend those of the test environment.
    pub settings: Variables,
}

impl Default for PlatformOptions {
    fn default() -> Self {
        Self { processing_workers: 2, chunking_workers: 1, settings: Variables::new() }
    }
}

/// The running processes. Dropping it kills them all, and prints their logs if the test fails.
#[derive(Debug)]
pub struct Platform {
    directory: TempDir,
    members: BTreeMap<String, Member>,
    api_port: u16,
}

#[derive(Debug)]
struct Member {
    spec: ProcessSpec,
    health_port: u16,
    process: Option<Process>,
}

impl Platform {
    /// Starts `api` and the workers and waits until they are ready.
    pub async fn start(env: &TestEnv, options: PlatformOptions) -> Self {
        Self::start_on(env.settings(), options).await
    }

    /// The same on the stores named by `settings`.
    pub async fn start_on(mut settings: Variables, options: PlatformOptions) -> Self {
        settings.extend(options.settings);
        let directory = tempfile::tempdir().unwrap();
        let mut members = BTreeMap::new();
        let mut add = |program: &str, name: String, port_variable: &str| {
            let health_port = ports::free_port().unwrap();
            let mut env = settings.clone();
            env.insert(port_variable.to_owned(), health_port.to_string());
            members
                .insert(name.clone(), Member { spec: spec(name, program, env), health_port, process: None });
            health_port
        };
        let api_port = add("api", "api".to_owned(), "PORT");
        for number in 1..=options.chunking_workers {
            add("chunking-worker", format!("chunking-worker-{number}"), "CHUNKING_HEALTH_PORT");
        }
        for number in 1..=options.processing_workers {
            add("processing-worker", format!("processing-worker-{number}"), "PROCESSING_HEALTH_PORT");
        }
        let mut platform = Self { directory, members, api_port };
        let names: Vec<String> = platform.members.keys().cloned().collect();
        for name in &names {
            platform.spawn(name);
        }
        for name in &names {
            platform.wait_until_ready(name).await;
        }
        platform
    }

    /// URL of the API, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }

    /// A client for the account.
    #[must_use]
    pub fn client(&self, account: &str) -> Client {
        Client::new(&self.url(), account)
    }

    /// Port for health checks and metrics of a process.
    #[must_use]
    pub fn health_port(&self, name: &str) -> u16 {
        self.members[name].health_port
    }

    /// The last lines that a process has printed.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        log_tail(self.directory.path(), name, 1_000)
    }

    /// Sends a signal to a process. After SIGKILL the process is gone when this returns.
    pub async fn kill(&mut self, name: &str, signal: Signal) {
        let member = self.members.get_mut(name).unwrap();
        let process = member.process.as_mut().expect("a running process");
        process.signal(signal).unwrap();
        if signal == Signal::SIGKILL {
            process.wait().await.unwrap();
            member.process = None;
        }
    }

    /// Waits for a process to end by itself, for example after SIGTERM.
    pub async fn wait_end(&mut self, name: &str, deadline: Duration) -> ExitStatus {
        let member = self.members.get_mut(name).unwrap();
        let process = member.process.as_mut().expect("a running process");
        let Ok(status) = timeout(deadline, process.wait()).await else {
            panic!("{name} does not end within {deadline:?}");
        };
        member.process = None;
        status.unwrap()
    }

    /// Restarts a process with the same settings and waits until it is ready. Kills it first if it still runs.
    pub async fn restart(&mut self, name: &str) {
        if self.members[name].process.is_some() {
            self.kill(name, Signal::SIGKILL).await;
        }
        self.spawn(name);
        self.wait_until_ready(name).await;
    }

    /// Starts a process that has ended, with the same settings, without waiting: its dependencies may be down.
    pub fn start_again(&mut self, name: &str) {
        assert!(self.members[name].process.is_none(), "{name} still runs");
        self.spawn(name);
    }

    /// Stops all processes and waits for their end.
    pub async fn stop(mut self) {
        for member in self.members.values() {
            if let Some(process) = &member.process {
                process.signal(Signal::SIGTERM).unwrap();
            }
        }
        for (name, member) in &mut self.members {
            if let Some(mut process) = member.process.take()
                && timeout(STOP_GRACE, process.wait()).await.is_err()
            {
                panic!("{name} does not end within {STOP_GRACE:?}");
            }
        }
    }

    fn spawn(&mut self, name: &str) {
        let directory = self.directory.path();
        let member = self.members.get_mut(name).unwrap();
        member.process = Some(Process::spawn(&member.spec, directory, directory).unwrap());
    }

    async fn wait_until_ready(&mut self, name: &str) {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        let url = format!("http://127.0.0.1:{}/health/ready", self.members[name].health_port);
        let deadline = Instant::now() + READY_WITHIN;
        while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let process = self.members.get_mut(name).unwrap().process.as_mut().unwrap();
            if let Ok(status) = timeout(POLL, process.wait()).await {
                panic!("{name} ended while it started: {status:?}");
            }
            assert!(Instant::now() < deadline, "{name} was not ready within {READY_WITHIN:?}");
        }
    }
}

impl Drop for Platform {
    #[allow(clippy::print_stderr, reason = "a failing test must be explainable")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.members.keys() {
                eprintln!("--- {name}\n{}", log_tail(self.directory.path(), name, 60));
            }
        }
    }
}

fn spec(name: String, program: &str, env: Variables) -> ProcessSpec {
    ProcessSpec {
        name,
        program: binaries().join(program),
        args: Vec::new(),
        env,
        run_as: None,
        stop_signal: Signal::SIGTERM,
        stop_grace: STOP_GRACE,
    }
}

/// Runs a program of the platform to its end, and returns its output.
pub async fn run_to_end(program: &str, args: &[&str], settings: &Variables) -> Output {
    let mut command = tokio::process::Command::new(binaries().join(program));
    command.args(args).envs(settings).stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap()
}

/// Next to the directory `deps`, in which cargo puts test programs.
fn binaries() -> PathBuf {
    let test = env::current_exe().unwrap();
    let binaries = test.parent().and_then(Path::parent).unwrap().to_owned();
    assert!(
        binaries.join("api").is_file(),
        "no binaries in {}: run `cargo build -p api -p chunking-worker -p processing-worker`",
        binaries.display()
    );
    binaries
}
