//! Programs that call the API like real users, installed by scripts/lib/install.sh.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use tokio::process::Command;
use tokio::time::timeout;

/// Root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program from the PATH or, if it is not there, from the folder of install.sh. Without it the test fails, unless the
/// variable `BULK_WITHOUT_<NAME>` says that this machine lacks it; then this returns `None`.
#[allow(clippy::print_stdout, reason = "whoever reads the output must see that the test did nothing")]
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap();
    let cache = env::var_os("BULK_CACHE_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(&env::var_os("HOME").unwrap()).join(".cache/bulk-action-platform"));
    let mut folders: Vec<_> = env::split_paths(&path).collect();
    folders.push(cache.join("tools/bin"));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let without = format!("BULK_WITHOUT_{}", name.to_uppercase());
        assert!(
            env::var_os(&without).is_some(),
            "{name} is not installed: run ./scripts/test, which installs it, or set {without}=1 to go without"
        );
        println!("skipped: {name} is not installed and {without} is set");
    }
    found
}

/// Runs a program to its end in a temporary folder, and prints its output if it fails.
pub(crate) async fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    env: &[(&str, &OsStr)],
    within: Duration,
) {
    let folder = tempfile::tempdir().unwrap();
    let output = fs::File::create(folder.path().join("output")).unwrap();
    let mut child = Command::new(program)
        .args(arguments)
        .envs(env.iter().copied())
        .current_dir(folder.path())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = timeout(within, child.wait()).await;
    let said = fs::read(folder.path().join("output")).unwrap();
    let said = String::from_utf8_lossy(&said);
    let Ok(status) = ended else { panic!("{} still runs after {within:?}:\n{said}", program.display()) };
    assert!(status.unwrap().success(), "{} failed:\n{said}", program.display());
}
