//! Short runs of the scenarios in `loadtest/`: they run, and their limits on errors hold. Latencies are measured by
//! `./scripts/loadtest`, because other tests run in parallel here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use testkit::{Platform, PlatformOptions, TestEnv, Variables};
use tokio::process::Command;
use tokio::time::timeout;

/// The scenarios take seconds; the rest is Artillery's own start and end on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// On a busy machine the API may wait too long for the database, and 503 is then the right response. All other errors
/// fail at the first attempt.
const ATTEMPTS: usize = 3;

/// Set where Artillery is not available; scripts/lib/artillery.sh reports it when it sets it.
const WITHOUT: &str = "BULK_WITHOUT_ARTILLERY";

#[allow(clippy::print_stdout, reason = "whoever reads the output must see that the test did nothing")]
fn artillery() -> Option<OsString> {
    let program = env::var_os("ARTILLERY");
    if program.is_none() {
        assert!(env::var_os(WITHOUT).is_some(), "ARTILLERY names no program; set {WITHOUT}=1 to go without");
        println!("skipped: {WITHOUT} is set");
    }
    program
}

async fn run(artillery: &OsString, scenario: &str, url: &str) -> Output {
    let mut command = Command::new(artillery);
    command
        .args(["run", "--environment", "short", "--target", url])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../loadtest").join(scenario))
        .env("ARTILLERY_DISABLE_TELEMETRY", "true")
        // A proxy in the environment is not meant for this machine.
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .kill_on_drop(true);
    timeout(DEADLINE, command.output()).await.expect("an end in time").unwrap()
}

fn contains(output: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(output).contains(text)
}

/// Runs scenarios one after another, since in parallel they would mostly measure one another.
async fn check(scenarios: &[&str], settings: Variables) {
    let Some(artillery) = artillery() else { return };
    let env = TestEnv::new().await;
    let platform = Platform::start(&env, PlatformOptions { settings, ..PlatformOptions::default() }).await;
    for scenario in scenarios {
        let mut output = run(&artillery, scenario, &platform.url()).await;
        for _ in 1..ATTEMPTS {
            if output.status.success() || !contains(&output.stdout, "http.codes.503") {
                break;
            }
            output = run(&artillery, scenario, &platform.url()).await;
        }
        let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy);
        assert!(output.status.success(), "{scenario}: {}\n{}{}", output.status, said[0], said[1]);
        assert!(said[0].contains("ok: maxErrorRate"), "{scenario} checked nothing: {}", said[0]);
    }
    platform.stop().await;
}

#[tokio::test]
async fn uploads_and_mixed_reads_have_no_errors() {
    check(&["upload.yml", "read.yml"], Variables::new()).await;
}

#[tokio::test]
async fn an_eager_account_is_held_to_its_limit_and_a_modest_one_notices_nothing() {
    let limit = ("RATE_LIMIT_MAX_REQUESTS".to_owned(), "60".to_owned());
    check(&["rate-limit.yml"], Variables::from([limit])).await;
}
