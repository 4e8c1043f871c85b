//! A private PostgreSQL: an installation found on the machine, with its cluster in the data directory, on 127.0.0.1
//! with a password.
//!
//! PostgreSQL refuses to run as root. If this process is root, PostgreSQL therefore runs as `postgres` (or `nobody`),
//! but keeps the capability to enter directories that only root may enter, because the data directory is often inside
//! one.

mod binaries;
mod cluster;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::data_dir::DataDir;
use crate::env_file::Variables;
use crate::process::{ProcessSpec, log_tail};
use crate::run_as::RunAs;
use crate::supervisor::{ChildState, Supervisor};

/// Name of the child process.
pub const NAME: &str = "postgres";

/// Superuser and database of the private cluster.
const USER: &str = "bulk";
const DATABASE: &str = "bulk";

/// Recovery after a crash replays up to `max_wal_size`.
const READY_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
const STOP_GRACE: Duration = Duration::from_secs(60);

/// Tolerated loss of committed data after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// No loss.
    Full,
    /// Everything if the machine crashes, nothing if only PostgreSQL's processes die: for tests that kill them.
    Processes,
    /// Everything: for tests with temporary data.
    None,
}

/// Starts the cluster, creating it first if it does not exist, and returns its `DATABASE_URL` once it accepts
/// connections.
pub async fn start(
    data_dir: &DataDir,
    supervisor: &mut Supervisor,
    durability: Durability,
) -> Result<String> {
    let cluster = data_dir.root().join(NAME);
    let password = data_dir.secret("POSTGRES_PASSWORD")?;
    let port = data_dir.port(NAME)?;
    let run_as = RunAs::for_cluster(&cluster).await?;
    let binaries = binaries::find(cluster::major_version(&cluster)?)?;
    if !cluster::exists(&cluster) {
        cluster::create(&cluster, &binaries, run_as.as_ref(), &password, durability).await?;
    }
    cluster::remove_stale_lock(&cluster)?;
    let state = supervisor.start(ProcessSpec {
        name: NAME.to_owned(),
        program: binaries.postgres(),
        args: arguments(&cluster, port, durability).into_iter().map(Into::into).collect(),
        env: Variables::new(),
        run_as,
        // Fast shutdown: ends open sessions, then writes a checkpoint.
        stop_signal: Signal::SIGINT,
        stop_grace: STOP_GRACE,
    })?;
    wait_until_ready(&cluster, state)
        .await
        .with_context(|| format!("the last lines of its log:\n{}", log_tail(&data_dir.logs(), NAME, 10)))?;
    Ok(format!("postgres://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"))
}

/// Settings on the command line instead of in a file, so that every start uses those of this version.
fn arguments(cluster: &Path, port: u16, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        // The path of a socket is limited to about 100 bytes, which a deep data directory exceeds.
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
        format!("shared_buffers={}MB", shared_buffers_mib(memory_mib())),
        "wal_buffers=16MB".to_owned(),
        // Rare checkpoints: after each one the first change of every page writes the whole page to the log.
        "max_wal_size=4GB".to_owned(),
        "checkpoint_timeout=15min".to_owned(),
        // JIT pays off for reports, not for statements of milliseconds.
        "jit=off".to_owned(),
        // A rejected row is an error whose detail and statement contain the row, which must not be logged.
        "log_error_verbosity=terse".to_owned(),
        "log_min_error_statement=panic".to_owned(),
        "log_parameter_max_length_on_error=0".to_owned(),
    ];
    if durability != Durability::Full {
        settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
    }
    // Without it, the latest commits are in the memory of a process that may die.
    if durability == Durability::None {
        settings.push("synchronous_commit=off".to_owned());
    }
    let mut arguments = vec!["-D".to_owned(), cluster.display().to_string()];
    for setting in settings {
        arguments.extend(["-c".to_owned(), setting]);
    }
    arguments
}

/// An eighth of the memory. PostgreSQL's own advice is a quarter, for a dedicated machine. It is allocated as needed,
/// so it costs nothing while there are few records. With 256 MiB, 10,000,000 updates in random order ran at 55,000 rows
/// a second instead of 66,000 (docs/performance.md).
fn shared_buffers_mib(memory_mib: u64) -> u64 {
    (memory_mib / 8).clamp(128, 4096)
}

/// Memory available to this process: that of the machine, or less if a control group limits it.
fn memory_mib() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let total = system.cgroup_limits().map_or(system.total_memory(), |limits| limits.total_memory);
    total / (1024 * 1024)
}

/// Waits until the postmaster's pid file says that it accepts connections, like `pg_ctl -w`.
async fn wait_until_ready(cluster: &Path, state: watch::Receiver<ChildState>) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    while Instant::now() < deadline {
        let ChildState { pid, deaths } = *state.borrow();
        if pid.is_some() && postmaster(cluster).is_some_and(|lock| Some(lock.pid) == pid && lock.is_ready) {
            return Ok(());
        }
        // After a crash the first attempts may fail; a broken installation fails every time.
        if deaths > 30 {
            bail!("PostgreSQL ends as soon as it starts");
        }
        sleep(POLL).await;
    }
    bail!("PostgreSQL was not ready within {} s", READY_WITHIN.as_secs())
}

/// Contents of a cluster's lock file about its postmaster.
struct Postmaster {
    pid: u32,
    is_ready: bool,
}

fn postmaster(cluster: &Path) -> Option<Postmaster> {
    let text = fs::read_to_string(lock_file(cluster)).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    // Line 8, counted from 1.
    let is_ready = lines.nth(6).is_some_and(|status| status.trim() == "ready");
    Some(Postmaster { pid, is_ready })
}

fn lock_file(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}
