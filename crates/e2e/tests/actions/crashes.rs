//! Workers that die during work, and duplicated jobs.

use std::time::Duration;

use bulk_core::chunk::ChunkId;
use bulk_core::config::{Config, Settings};
use bulk_core::db;
use bulk_core::queue::{Job, Queue};
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

/// The chunking worker that reconciles counts it: the processing workers that could are dead.
#[tokio::test]
async fn a_chunk_that_no_worker_survives_is_counted_as_dead() {
    let mut bench = Bench::with_one_worker(&[("RECONCILE_INTERVAL_MS", "50")]).await;
    bench.platform.kill("processing-worker-1", Signal::SIGKILL).await;
    let client = bench.client();
    let id = client.upload(file(["a@example.com,A,1"]), &Upload::contacts("bulk_create")).await;
    let end = tokio::time::Instant::now() + DEADLINE;
    let mut claims = 0;
    while claims < 5 {
        let claim = db::claim_chunk(bench.env.pool(), "doomed", 0, "").await.unwrap();
        claims += usize::from(claim.is_some());
        assert!(tokio::time::Instant::now() < end, "only {claims} claims");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let action = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(action["status"], "failed", "{action:#}");
    let url = format!("http://127.0.0.1:{}/metrics", bench.platform.health_port("chunking-worker-1"));
    let counted = ["bulk_chunks_total{result=\"dead\"} 1\n", "bulk_leases_lost_total 5\n"];
    loop {
        let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
        if counted.iter().all(|line| text.contains(line)) {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "{text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn jobs_that_are_delivered_again_and_again_change_nothing() {
    let bench = Bench::with_chunk_size(100).await;
    let config = Config::from_settings(&Settings::from_iter(bench.env.settings())).unwrap();
    let queue = Queue::new(&config.redis).unwrap();
    let id = under_way(&bench).await;
    let action_id = id.parse().unwrap();
    let traceparent = "00-0192d3f07c1e7b7a9d553f1f0e6a4c11-00f067aa0ba902b7-01".to_owned();
    // All possible chunks, including those that are done, running or not released yet; and the file itself.
    let mut bells = vec![Job::File { action_id, traceparent: traceparent.clone() }; 3];
    for (partition, seq) in (0..8).flat_map(|partition| (0..60).map(move |seq| (partition, seq))) {
        let chunk = ChunkId { action_id, partition, seq };
        bells.push(Job::Chunk { chunk, traceparent: traceparent.clone() });
    }
    queue.try_ring(&bells).await.unwrap();
    ends_exact(&bench, &id).await;
    let before = bench.client().stats(&id).await;
    queue.try_ring(&bells).await.unwrap();
    // A small action after the repeated jobs: once it is done, they are too.
    bench.run(&file(["last@example.com,Last,1"]), &Upload::contacts("bulk_create")).await;
    assert_eq!(bench.client().stats(&id).await, before);
}
