//! Workers that die in the middle, and jobs that come twice.

use std::time::Duration;

use nix::sys::signal::Signal;
use testkit::Upload;

use crate::support::{Bench, DEADLINE, file, finished};

const ROWS: u64 = 20_000;

fn many() -> String {
    file((1..=ROWS).map(|n| format!("user{n}@example.com,User {n},{}", n % 100)))
}

/// Uploads many rows and waits until some, but not all, are done.
async fn under_way(bench: &Bench) -> String {
    let client = bench.client();
    let id = client.upload(many(), &Upload::contacts("bulk_create")).await;
    let action = client.wait_for(&id, DEADLINE, |action| action["progress"]["processedRecords"] != 0).await;
    assert_ne!(action["status"], "completed", "too fast for this test: give it more rows");
    id
}

async fn ends_exact(bench: &Bench, id: &str) {
    let client = bench.client();
    let detail = client.wait_finished(id, DEADLINE).await;
    assert_eq!(detail["status"], "completed", "{detail:#}");
    let done = finished(&client, id, detail).await;
    assert_eq!(done.counts(), (ROWS, 0, 0), "a row that was applied twice would be skipped the second time");
    assert_eq!(bench.contacts("acme").await.len() as u64, ROWS);
}

#[tokio::test]
async fn a_processing_worker_killed_in_the_middle_loses_and_doubles_nothing() {
    let mut bench = Bench::with_chunk_size(100).await;
    let id = under_way(&bench).await;
    for name in ["processing-worker-1", "processing-worker-2"] {
        bench.platform.kill(name, Signal::SIGKILL).await;
    }
    bench.platform.restart("processing-worker-1").await;
    ends_exact(&bench, &id).await;
}

#[tokio::test]
async fn a_chunker_killed_in_the_middle_is_run_again() {
    let mut bench = Bench::with_chunk_size(50).await;
    let id = under_way(&bench).await;
    bench.platform.kill("chunking-worker-1", Signal::SIGKILL).await;
    bench.platform.restart("chunking-worker-1").await;
    ends_exact(&bench, &id).await;
}

#[tokio::test]
async fn workers_asked_to_stop_hand_their_work_over_at_once() {
    let mut bench = Bench::with_chunk_size(100).await;
    let id = under_way(&bench).await;
    for name in ["chunking-worker-1", "processing-worker-1", "processing-worker-2"] {
        bench.platform.kill(name, Signal::SIGTERM).await;
        let status = bench.platform.wait_end(name, Duration::from_secs(30)).await;
        assert!(status.success(), "{name} ended with {status}");
        bench.platform.restart(name).await;
    }
    ends_exact(&bench, &id).await;
}
