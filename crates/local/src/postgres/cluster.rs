//! Files of the cluster.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::binaries::Binaries;
use super::{DATABASE, Durability, USER, lock_file, postmaster};
use crate::os_process::running_program;
use crate::run_as::RunAs;

/// True if [`create`] has completed.
pub(crate) fn exists(cluster: &Path) -> bool {
    cluster.join("PG_VERSION").is_file()
}

/// The major version of PostgreSQL that an existing cluster needs.
pub(crate) fn major_version(cluster: &Path) -> Result<Option<u32>> {
    match fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(text) => Ok(Some(text.trim().parse().context("PG_VERSION is not a number")?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Creates a cluster with one superuser and one database.
///
/// The cluster is built in a temporary place and moved when it is complete, so that an interrupted attempt leaves no
/// partial cluster.
pub(crate) async fn create(
    cluster: &Path,
    binaries: &Binaries,
    run_as: Option<&RunAs>,
    password: &str,
    durability: Durability,
) -> Result<()> {
    let unfinished = cluster.with_extension("new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::DirBuilder::new().mode(0o700).create(&unfinished)?;
    let password_file = cluster.with_extension("password");
    write_private(&password_file, password)?;
    if let Some(run_as) = run_as {
        run_as.own(&unfinished)?;
        run_as.own(&password_file)?;
    }

    let mut initdb = command(run_as, &binaries.initdb());
    initdb
        .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
        .args(["--username", USER])
        .args([OsStr::new("--pgdata"), unfinished.as_os_str()])
        .args([OsStr::new("--pwfile"), password_file.as_os_str()]);
    if durability != Durability::Full {
        initdb.arg("--no-sync");
    }
    let created = run(initdb, "").await;
    fs::remove_file(&password_file)?;
    created?;

    // Single-user mode needs no server, and reads one statement per line.
    let mut single = command(run_as, &binaries.postgres());
    single.arg("--single").args([OsStr::new("-D"), unfinished.as_os_str()]).arg("postgres");
    run(single, &format!("CREATE DATABASE {DATABASE};\n")).await?;
    fs::rename(&unfinished, cluster)?;
    Ok(())
}

/// Removes the lock file of a dead postmaster whose pid now belongs to another program, as happens after a reboot or in
/// a new container. PostgreSQL itself would refuse to start.
///
/// The file stays while any process of that postmaster runs: PostgreSQL uses it to find the shared memory in use.
pub(crate) fn remove_stale_lock(cluster: &Path) -> Result<()> {
    let Some(lock) = postmaster(cluster) else { return Ok(()) };
    let is_other_program = running_program(lock.pid).is_some_and(|program| program != "postgres");
    if is_other_program && !is_some_process_inside(cluster)? {
        fs::remove_file(lock_file(cluster))?;
    }
    Ok(())
}

/// True if a process of the cluster runs. Each of them has the cluster as its working directory.
fn is_some_process_inside(cluster: &Path) -> Result<bool> {
    let Ok(processes) = fs::read_dir("/proc") else { return Ok(true) };
    for process in processes {
        if fs::read_link(process?.path().join("cwd")).is_ok_and(|directory| directory == cluster) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

fn command(run_as: Option<&RunAs>, program: &Path) -> Command {
    run_as.map_or_else(|| Command::new(program), |run_as| run_as.command(program))
}

/// Runs a program to its end. The error contains its output.
async fn run(mut command: Command, input: &str) -> Result<()> {
    let mut child = command
        // The user may not be allowed to enter the current directory.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start PostgreSQL's programs")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await?;
    }
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        bail!(
            "creating the PostgreSQL cluster failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn cluster_locked_by(pid: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let cluster = dir.path().canonicalize().unwrap();
        fs::write(lock_file(&cluster), format!("{pid}\n")).unwrap();
        (dir, cluster)
    }

    #[test]
    fn the_lock_of_a_pid_that_something_else_has_now_is_removed() {
        let (_dir, cluster) = cluster_locked_by(std::process::id());
        remove_stale_lock(&cluster).unwrap();
        assert!(!lock_file(&cluster).exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_lock_stays_while_a_process_of_the_cluster_is_left() {
        let (_dir, cluster) = cluster_locked_by(std::process::id());
        let mut left = std::process::Command::new("sleep").arg("600").current_dir(&cluster).spawn().unwrap();
        remove_stale_lock(&cluster).unwrap();
        assert!(lock_file(&cluster).exists());
        left.kill().unwrap();
        left.wait().unwrap();
    }
}
