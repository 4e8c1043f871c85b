//! A private Redis on 127.0.0.1 with its append-only file in the data directory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::data_dir::DataDir;
use crate::env_file::Variables;
use crate::process::{ProcessSpec, log_tail};
use crate::supervisor::Supervisor;

/// Name of the child process.
pub const NAME: &str = "redis";

const PROGRAM: &str = "redis-server";

/// Other directories in which packages install it.
const OTHER_PLACES: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/sbin"];

const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const STOP_GRACE: Duration = Duration::from_secs(20);

/// Starts the server and returns its `REDIS_URL` once it responds.
pub async fn start(data_dir: &DataDir, supervisor: &mut Supervisor) -> Result<String> {
    let directory = data_dir.root().join(NAME);
    fs::create_dir_all(&directory)?;
    let port = data_dir.port(NAME)?;
    let args = ["--bind", "127.0.0.1", "--appendonly", "yes", "--save", "", "--daemonize", "no"];
    supervisor.start(ProcessSpec {
        name: NAME.to_owned(),
        program: find()?,
        args: args
            .map(Into::into)
            .into_iter()
            .chain(["--port".into(), port.to_string().into(), "--dir".into(), directory.into()])
            .collect(),
        env: Variables::new(),
        run_as: None,
        stop_signal: Signal::SIGTERM,
        stop_grace: STOP_GRACE,
    })?;
    wait_until_ready(port)
        .await
        .with_context(|| format!("the last lines of its log:\n{}", log_tail(&data_dir.logs(), NAME, 10)))?;
    Ok(format!("redis://127.0.0.1:{port}"))
}

fn find() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(OTHER_PLACES.map(PathBuf::from))
        .map(|directory| directory.join(PROGRAM))
        .find(|program| program.is_file())
        .context(
            "Redis is not installed: `apt-get install redis-server` or `brew install redis`, \
             or name a server in REDIS_URL",
        )
}

async fn wait_until_ready(port: u16) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    while Instant::now() < deadline {
        if answers_ping(port).await.unwrap_or(false) {
            return Ok(());
        }
        sleep(POLL).await;
    }
    bail!("Redis was not ready within {} s", READY_WITHIN.as_secs())
}

/// Returns false while it loads its data.
async fn answers_ping(port: u16) -> Result<bool> {
    let mut connection = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    connection.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    connection.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}
