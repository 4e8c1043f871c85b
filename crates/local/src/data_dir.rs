//! The data directory: its layout and its lock.
//!
//! A file lock, which the kernel releases with the process, allows one `local` at a time per data directory. So pid
//! files found at the start are from an earlier run.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use uuid::Uuid;

use crate::{env_file, ports};

/// A data directory, locked until dropped.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates missing directories and takes the lock; fails if another process has it.
    pub fn open(path: &Path) -> Result<Self> {
        create_private(path)?;
        let root = path.canonicalize().with_context(|| format!("cannot use {}", path.display()))?;
        for part in ["run", "logs"] {
            create_private(&root.join(part))?;
        }
        let lock = File::create(root.join("run/lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("{} is in use: stop the `local` that runs on it first", root.display())
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Absolute path of the directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Directory of the `<name>.pid` files.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Directory of the `<name>.log` files.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// File with the settings of the services.
    #[must_use]
    pub fn env_file(&self) -> PathBuf {
        self.root.join("env")
    }

    /// A random secret, generated once per data directory.
    pub fn secret(&self, name: &str) -> Result<String> {
        self.kept("secrets", name, |_| true, || Ok(random_secret()))
    }

    /// A free port, if possible the same as in the previous run.
    pub fn port(&self, name: &str) -> Result<u16> {
        let is_usable = |port: &str| port.parse().is_ok_and(ports::is_free);
        let port = self.kept("ports", name, is_usable, || Ok(ports::free_port()?.to_string()))?;
        port.parse().context("a port number that was just checked")
    }

    fn kept(
        &self,
        file: &str,
        name: &str,
        is_usable: impl Fn(&str) -> bool,
        make: impl Fn() -> Result<String>,
    ) -> Result<String> {
        let path = self.root.join(file);
        let mut values = env_file::read(&path)?;
        if let Some(value) = values.get(name).filter(|value| is_usable(value)) {
            return Ok(value.clone());
        }
        let value = loop {
            let value = make()?;
            if !values.values().any(|taken| *taken == value) {
                break value;
            }
        };
        values.insert(name.to_owned(), value.clone());
        env_file::write(&path, &values)?;
        Ok(value)
    }
}

fn create_private(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
}

/// 244 random bits in hexadecimal, which need no quoting in URLs and configuration files.
fn random_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_owner_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let refused = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(refused.contains("is in use"), "{refused}");
        drop(first);
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn secrets_and_ports_are_the_same_in_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let (secret, port) = (first.secret("A").unwrap(), first.port("B").unwrap());
        assert_ne!(first.secret("C").unwrap(), secret);
        assert_ne!(first.port("D").unwrap(), port);
        drop(first);
        let second = DataDir::open(dir.path()).unwrap();
        assert_eq!((second.secret("A").unwrap(), second.port("B").unwrap()), (secret, port));
    }

    #[test]
    fn a_port_that_was_taken_meanwhile_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(dir.path()).unwrap();
        let port = data_dir.port("A").unwrap();
        let _other = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_ne!(data_dir.port("A").unwrap(), port);
    }
}
