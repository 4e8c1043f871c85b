//! Finds the services' binaries beside this one, and builds them if it was started by cargo.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::console;

/// The binaries of the platform.
const SERVICES: [&str; 3] = ["api", "chunking-worker", "processing-worker"];

/// The directory of the services' binaries.
///
/// `cargo run -p local` builds `local` alone, so the others would be missing or outdated.
pub(crate) async fn directory() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let directory = program.parent().context("this program has no directory")?;
    if let Some(cargo) = running_cargo() {
        build(&cargo, directory).await?;
    }
    let missing: Vec<_> = SERVICES.into_iter().filter(|name| !directory.join(name).is_file()).collect();
    if !missing.is_empty() {
        bail!(
            "{} not found in {}: build with `cargo build -p {}`",
            missing.join(", "),
            directory.display(),
            SERVICES.join(" -p ")
        );
    }
    Ok(directory.to_owned())
}

/// The cargo that runs this package. A test run by cargo sets `CARGO` too, but names another package.
fn running_cargo() -> Option<PathBuf> {
    let is_this_package = env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"));
    env::var_os("CARGO").filter(|_| is_this_package).map(PathBuf::from)
}

/// Builds with the profile and target directory of this program, which are both part of its path.
async fn build(cargo: &Path, directory: &Path) -> Result<()> {
    console::progress("building the services");
    let target = directory.parent().context("this program lies outside a target directory")?;
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let status = Command::new(cargo)
        .args(["build", "--profile", profile, "--target-dir"])
        .arg(target)
        // Together with this package, whose dependencies are then built with the features that they have been built with for it.
        .args(["-p", env!("CARGO_PKG_NAME")])
        .args(SERVICES.iter().flat_map(|name| ["-p", name]))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .status()
        .await
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("building the services failed");
    }
    Ok(())
}
