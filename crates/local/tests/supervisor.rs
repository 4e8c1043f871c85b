//! Tests of the supervisor with small programs in place of services.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use local::process::{ProcessSpec, log_tail, send_signal};
use local::supervisor::{ChildState, Supervisor};
use nix::sys::signal::Signal;
use tokio::sync::watch;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);

fn shell(name: &str, script: &str, stop_grace: Duration) -> ProcessSpec {
    ProcessSpec {
        name: name.to_owned(),
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: [("GREETING".to_owned(), "hello".to_owned())].into(),
        run_as: None,
        stop_signal: Signal::SIGTERM,
        stop_grace,
    }
}

fn supervisor(dir: &Path) -> Supervisor {
    Supervisor::new(dir.to_owned(), dir.to_owned())
}

async fn wait_for(
    state: &mut watch::Receiver<ChildState>,
    is_wanted: impl Fn(&ChildState) -> bool,
) -> ChildState {
    *timeout(DEADLINE, state.wait_for(is_wanted)).await.expect("in time").unwrap()
}

async fn wait_for_log(dir: &Path, name: &str, wanted: &str) {
    let contains = async {
        while !log_tail(dir, name, 100).contains(wanted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, contains).await.expect("the log line in time");
}

#[tokio::test]
async fn a_killed_child_comes_back_with_its_settings_and_a_new_pid_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = supervisor(dir.path());
    let mut state =
        supervisor.start(shell("child", "echo $GREETING; exec sleep 600", Duration::from_secs(5))).unwrap();
    for deaths in 0..3 {
        let now = wait_for(&mut state, |state| state.pid.is_some() && state.deaths == deaths).await;
        let pid_file = fs::read_to_string(dir.path().join("child.pid")).unwrap();
        assert_eq!(pid_file.trim().parse().ok(), now.pid);
        let greetings = vec!["hello"; deaths as usize + 1];
        wait_for_log(dir.path(), "child", &greetings.join("\n")).await;
        send_signal(now.pid.unwrap(), Signal::SIGKILL).unwrap();
    }
    supervisor.stop(|_| true).await;
    assert!(!dir.path().join("child.pid").exists());
}

#[tokio::test]
async fn a_child_that_ignores_the_request_to_end_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = supervisor(dir.path());
    let script = "trap '' TERM; echo deaf; while :; do sleep 1; done";
    supervisor.start(shell("deaf", script, Duration::from_millis(100))).unwrap();
    wait_for_log(dir.path(), "deaf", "deaf").await;
    timeout(DEADLINE, supervisor.stop(|_| true)).await.expect("the kill in time");
}

#[tokio::test]
async fn only_the_picked_children_are_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = supervisor(dir.path());
    let grace = Duration::from_secs(5);
    supervisor.start(shell("first", "exec sleep 600", grace)).unwrap();
    let state = supervisor.start(shell("second", "exec sleep 600", grace)).unwrap();
    supervisor.stop(|name| name == "first").await;
    assert!(!dir.path().join("first.pid").exists());
    assert!(state.borrow().pid.is_some());
    assert!(dir.path().join("second.pid").exists());
    supervisor.stop(|_| true).await;
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = shell("missing", "", Duration::from_secs(1));
    spec.program = "/nowhere/program".into();
    let error = supervisor(dir.path()).start(spec).unwrap_err();
    assert!(format!("{error:#}").contains("/nowhere/program"), "{error:#}");
}
