//! Operating system user of PostgreSQL if this process is root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use anyhow::{Context as _, Result};
use nix::unistd::{Uid, User, geteuid};
use tokio::process::Command;

/// Lets the program enter directories of other users without being root.
const CAPABILITIES: [&str; 2] = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];

/// An unprivileged user for running a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAs {
    user_id: u32,
    group_id: u32,
    /// False without `setpriv` or the capability. Then every directory on the path must be open to the user.
    keeps_access: bool,
}

impl RunAs {
    /// The user for a cluster: its owner, otherwise `postgres`, otherwise `nobody`; `None` if this process is not root.
    pub(crate) async fn for_cluster(cluster: &Path) -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let owner = fs::metadata(cluster).ok().map(|metadata| Uid::from_raw(metadata.uid()));
        let user = match owner.filter(|owner| !owner.is_root()) {
            Some(owner) => User::from_uid(owner)?
                .map(|user| (user.uid, user.gid))
                .or(Some((owner, nix::unistd::Gid::from_raw(fs::metadata(cluster)?.gid())))),
            None => default_user()?,
        };
        let (user_id, group_id) = user.context("PostgreSQL needs a user `postgres` or `nobody`")?;
        let mut run_as = Self { user_id: user_id.as_raw(), group_id: group_id.as_raw(), keeps_access: true };
        run_as.keeps_access = run_as.command(Path::new("true")).status().await.is_ok_and(|end| end.success());
        if owner.is_some_and(Uid::is_root) {
            run_as.own_all(cluster)?;
        }
        Ok(Some(run_as))
    }

    /// A command that runs the program as this user. The program replaces `setpriv`, so it has the child's pid.
    pub fn command(&self, program: &Path) -> Command {
        if self.keeps_access {
            let mut command = Command::new("setpriv");
            command
                .arg(format!("--reuid={}", self.user_id))
                .arg(format!("--regid={}", self.group_id))
                .arg("--clear-groups")
                .args(CAPABILITIES)
                .arg("--")
                .arg(program);
            return command;
        }
        let mut command = Command::new(program);
        command.uid(self.user_id).gid(self.group_id);
        command
    }

    /// Makes this user the owner of a file or directory.
    pub fn own(&self, path: &Path) -> Result<()> {
        chown(path, Some(self.user_id), Some(self.group_id))
            .with_context(|| format!("cannot change the owner of {}", path.display()))
    }

    /// Makes this user the owner of a directory and everything in it.
    fn own_all(&self, path: &Path) -> Result<()> {
        self.own(path)?;
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.own_all(&entry.path())?;
            } else if !entry.file_type()?.is_symlink() {
                self.own(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn default_user() -> Result<Option<(Uid, nix::unistd::Gid)>> {
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some((user.uid, user.gid)));
        }
    }
    Ok(None)
}
