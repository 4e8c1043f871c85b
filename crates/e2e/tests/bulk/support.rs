//! A user with a separate home directory, which is all that `bulk` knows.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Platform, PlatformOptions, TestEnv};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Generous: tests run in parallel on few cores.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Two valid rows.
pub(crate) const CONTACTS: &str = "email,name,age\nada@example.com,Ada,36\nbob@example.com,Bob,41\n";

/// A user who calls one service as one account.
pub(crate) struct Person {
    home: TempDir,
    url: String,
    account: Option<String>,
}

/// Output and exit code of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A running command that has printed the id of its action.
pub(crate) struct Running {
    pub id: String,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// A platform without processing workers, whose rows never get an outcome.
pub(crate) async fn standstill() -> (TestEnv, Platform) {
    let env = TestEnv::new().await;
    let options = PlatformOptions { processing_workers: 0, ..PlatformOptions::default() };
    let platform = Platform::start(&env, options).await;
    (env, platform)
}

/// A platform with all workers.
pub(crate) async fn platform() -> (TestEnv, Platform) {
    let env = TestEnv::new().await;
    let platform = Platform::start(&env, PlatformOptions::default()).await;
    (env, platform)
}

/// Path of `bulk`, next to the platform's programs.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("bulk");
    assert!(program.is_file(), "no {}: run `cargo build --workspace --bins`", program.display());
    program
}

impl Person {
    pub(crate) fn new(url: &str, account: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { home, url: url.to_owned(), account: account.map(str::to_owned) }
    }

    pub(crate) fn of(platform: &Platform) -> Self {
        Self::new(&platform.url(), Some("acme"))
    }

    /// A path in the user's home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file into the user's home, where the commands run.
    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("BULK_URL", &self.url)
            .envs(self.account.iter().map(|account| ("BULK_ACCOUNT", account)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let output = timeout(DEADLINE, self.command(arguments).output()).await;
        ran(output.unwrap_or_else(|_| panic!("bulk {arguments:?} does not end")).unwrap())
    }

    /// Starts an import and waits until its action exists.
    pub(crate) async fn start(&self, arguments: &[&str]) -> Running {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut id = String::new();
        let read = timeout(DEADLINE, stdout.read_line(&mut id)).await;
        read.unwrap_or_else(|_| panic!("bulk {arguments:?} says no id")).unwrap();
        Running { id: id.trim().to_owned(), child, stdout }
    }
}

impl Running {
    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().expect("it has ended already");
        kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) async fn end(self) -> Ran {
        let Self { child, mut stdout, .. } = self;
        let output = timeout(DEADLINE, child.wait_with_output()).await.expect("it does not end").unwrap();
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).await.unwrap();
        Ran { stdout: rest, ..ran(output) }
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or_default()),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Fails and prints all output unless the command exited with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails unless this text was printed to stderr.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is not in:\n{}", self.stderr);
        self
    }

    /// The single line on stdout, such as an id.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        assert_eq!(self.stdout.lines().count(), 1, "{}", self.stdout);
        self.stdout.trim().to_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Waits until the condition holds.
pub(crate) async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so().await {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
