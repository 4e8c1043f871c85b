//! Finds PostgreSQL's server programs, which most packages keep outside the `PATH`.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Result, bail};

const HOMEBREW: [&str; 2] = ["/opt/homebrew/opt", "/usr/local/opt"];

/// A directory with PostgreSQL's server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries(PathBuf);

impl Binaries {
    /// The server.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }

    /// The program that creates a cluster.
    pub(crate) fn initdb(&self) -> PathBuf {
        self.0.join("initdb")
    }
}

/// The first installation found, or the first of the given major version if a cluster needs that one.
pub(crate) fn find(major: Option<u32>) -> Result<Binaries> {
    let found = candidates()
        .into_iter()
        .map(Binaries)
        .filter(|binaries| binaries.postgres().is_file() && binaries.initdb().is_file())
        .find(|binaries| major.is_none_or(|major| major_version(binaries) == Some(major)));
    match (found, major) {
        (Some(binaries), _) => Ok(binaries),
        (None, Some(major)) => bail!("the data needs PostgreSQL {major}, which is not installed here"),
        (None, None) => bail!(
            "PostgreSQL is not installed: `apt-get install postgresql` or `brew install postgresql@17`, \
             or name a server in DATABASE_URL"
        ),
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> =
        env::var_os("PATH").iter().flat_map(env::split_paths).filter(|path| path.is_absolute()).collect();
    directories.extend(versions_below(Path::new("/usr/lib/postgresql"), ""));
    directories.extend(from_pg_config());
    for prefix in HOMEBREW {
        directories.extend(versions_below(Path::new(prefix), "postgresql@"));
    }
    directories
}

/// The `bin` directories of the versions in a directory, newest first.
fn versions_below(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| Reverse(*version));
    versions.into_iter().map(|(_, path)| path).collect()
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// Parses `postgres (PostgreSQL) 15.14 (Debian 15.14-0)`.
fn major_version(binaries: &Binaries) -> Option<u32> {
    let output = Command::new(binaries.postgres()).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_once(") ")?.1.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "common"] {
            fs::create_dir_all(dir.path().join(version)).unwrap();
        }
        let found = versions_below(dir.path(), "");
        let names: Vec<_> = ["17", "15", "9"].map(|version| dir.path().join(version).join("bin")).into();
        assert_eq!(found, names);
    }

    #[test]
    fn the_installation_of_the_needed_version_is_taken() {
        let any = find(None).unwrap();
        let major = major_version(&any).unwrap();
        assert_eq!(major_version(&find(Some(major)).unwrap()), Some(major));
        assert!(find(Some(1)).is_err());
    }
}
