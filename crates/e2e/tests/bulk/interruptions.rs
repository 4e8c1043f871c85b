//! Ctrl-C in each phase, and a service that dies and comes back.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::{Platform, PlatformOptions, TestEnv};
use tokio::io::AsyncWriteExt as _;

use crate::support::{CONTACTS, DEADLINE, Person, ran, standstill, wait_until};

#[tokio::test]
async fn an_interrupted_upload_makes_no_action() {
    let (_env, platform) = standstill().await;
    let person = Person::of(&platform);
    let mut child = person.command(&["import", "-", "-e", "contact"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: once it is written, the upload has started.
    let rows = "ada@example.com,Ada,36\n".repeat(50_000);
    stdin.write_all(format!("email,name,age\n{rows}").as_bytes()).await.unwrap();
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGINT).unwrap();
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await.expect("it does not end");
    let ended = ran(output.unwrap()).expect(130).says("no action was made");
    assert_eq!(ended.stdout, "");
    drop(stdin);
    assert_eq!(person.run(&["list", "--json"]).await.expect(0).stdout, "[]\n");
}

#[tokio::test]
async fn an_interrupted_wait_leaves_the_action_and_is_taken_up_again() {
    let (_env, platform) = standstill().await;
    let person = Person::of(&platform);
    person.file("people.csv", CONTACTS);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let running = person.start(&["import", "people.csv", "-e", "contact"]).await;
        let id = running.id.clone();
        // Only now is the signal an interruption of the waiting.
        wait_until("bulk waits", async || person.path(".local/state/bulk/last.json").exists()).await;
        running.signal(signal);
        running.end().await.expect(130).says("bulk watch --last").says(&format!("bulk cancel {id}"));
    }
    let watching = person.command(&["watch", "--last"]).spawn().unwrap();
    person.run(&["cancel", "--last"]).await.expect(0);
    let output = tokio::time::timeout(DEADLINE, watching.wait_with_output()).await.expect("it does not end");
    ran(output.unwrap()).expect(5);
}

#[tokio::test]
async fn a_service_that_dies_and_comes_back_is_waited_for() {
    let env = TestEnv::new().await;
    let mut platform =
        Platform::start(&env, PlatformOptions { processing_workers: 1, ..PlatformOptions::default() }).await;
    platform.kill("processing-worker-1", Signal::SIGKILL).await;
    let person = Person::of(&platform);
    person.file("people.csv", CONTACTS);
    let running = person.start(&["import", "people.csv", "-e", "contact"]).await;
    platform.kill("api", Signal::SIGKILL).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    platform.restart("processing-worker-1").await;
    platform.restart("api").await;
    running.end().await.expect(0).says("2 rows, 2 successful");
}
