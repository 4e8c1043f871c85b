//! Tests of `testkit run` as used by scripts/test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const DEADLINE: Duration = Duration::from_secs(60);

fn testkit(temporary: &Path, script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
    command.args(["run", "--", "sh", "-c", script]).env("TMPDIR", temporary);
    command
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

fn wait_for(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_command_gets_its_stores_and_its_exit_code_is_returned() {
    let temporary = tempfile::tempdir().unwrap();
    let script = r#"echo "$TEST_DATABASE_URL|$TEST_REDIS_URL|$TEST_S3_ENDPOINT:$TEST_S3_PORT"; exit 7"#;
    let output = testkit(temporary.path(), script).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let stores: Vec<_> = printed.trim().split('|').collect();
    assert!(stores[0].starts_with("postgres://") && stores[1].starts_with("redis://"), "{printed}");
    assert!(std::net::TcpStream::connect(stores[2]).is_err(), "the object store has ended");
    assert!(is_empty(temporary.path()));
}

#[test]
fn a_signal_ends_the_command_and_removes_everything() {
    let temporary = tempfile::tempdir().unwrap();
    let marker = tempfile::tempdir().unwrap();
    let started = marker.path().join("started");
    let script = format!("touch {}; exec sleep 600", started.display());
    let mut child: Child = testkit(temporary.path(), &script).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| started.exists());
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    assert!(is_empty(temporary.path()));
}
