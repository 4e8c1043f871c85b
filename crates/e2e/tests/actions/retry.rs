//! `POST /bulk-actions/{id}/retry`.

use std::time::{Duration, Instant};

use bulk_core::chunk::ChunkId;
use bulk_core::storage::keys;
use bytes::Bytes;
use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::Upload;

use crate::support::{Bench, DEADLINE, adds_up, file, finished, obeyed};

const ROWS: u64 = 2000;

fn csv() -> String {
    file((1..=ROWS).map(|n| format!("user{n}@example.com,User {n},{}", n % 100)))
}

/// A platform with a single attempt per chunk and without rounds of the reconciler.
async fn strict() -> Bench {
    Bench::with(&[("CHUNK_SIZE", "50"), ("MAX_CHUNK_ATTEMPTS", "1"), ("RECONCILE_INTERVAL_MS", "600000")])
        .await
}

/// An action whose file is cut while no processing worker runs.
async fn chunked_only(bench: &mut Bench) -> String {
    for name in ["processing-worker-1", "processing-worker-2"] {
        bench.platform.kill(name, Signal::SIGKILL).await;
    }
    let id = bench.client().upload(csv(), &Upload::contacts("bulk_create")).await;
    let end = Instant::now() + DEADLINE;
    let is_cut = || {
        sqlx::query_scalar::<_, bool>("SELECT bool_and(chunking_done_at IS NOT NULL) FROM bulk_actions")
            .fetch_one(bench.env.pool())
    };
    while !is_cut().await.unwrap() {
        assert!(Instant::now() < end, "the file is not cut");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    id
}

async fn completes(bench: &Bench, id: &str) {
    let done = bench.client().wait_finished(id, DEADLINE).await;
    assert_eq!((done["status"].as_str(), &done["error"]), (Some("completed"), &Value::Null), "{done:#}");
    assert_eq!(done["chunks"]["dead"], 0);
    assert_eq!(finished(&bench.client(), id, done).await.counts(), (ROWS, 0, 0));
    assert_eq!(bench.contacts("acme").await.len() as u64, ROWS);
}

#[tokio::test]
async fn dead_chunks_are_retried_from_rewritten_objects() {
    let mut bench = strict().await;
    let client = bench.client();
    let id = chunked_only(&mut bench).await;
    let chunk =
        |partition, seq| keys::chunk("acme", ChunkId { action_id: id.parse().unwrap(), partition, seq });
    let store = bench.store();
    store.delete(&chunk(0, 0)).await.unwrap();
    store.put(&chunk(1, 1), Bytes::from_static(b"not what was written")).await.unwrap();
    bench.platform.restart("processing-worker-1").await;

    let failed = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(
        (failed["status"].as_str(), failed["error"]["code"].as_str()),
        (Some("failed"), Some("dead_chunks"))
    );
    assert_eq!((&failed["chunks"]["dead"], &failed["progress"]["etaSeconds"]), (&2.into(), &Value::Null));
    assert!(failed["error"]["message"].as_str().unwrap().contains(&format!("/bulk-actions/{id}/retry")));
    adds_up(&bench, &id, &csv()).await;

    let retried = obeyed(&client, &id, "retry").await;
    assert_eq!((retried["status"].as_str(), &retried["error"]), (Some("processing"), &Value::Null));
    assert_eq!((&retried["chunks"]["dead"], &retried["completedAt"]), (&0.into(), &Value::Null));
    completes(&bench, &id).await;
}

#[tokio::test]
async fn a_file_that_was_refused_while_it_was_read_is_read_again() {
    let mut bench = strict().await;
    let client = bench.client();
    bench.platform.kill("chunking-worker-1", Signal::SIGKILL).await;
    let id = client.upload(csv(), &Upload::contacts("bulk_create")).await;
    let raw = keys::raw("acme", id.parse().unwrap());
    // Of the same length: a shorter file is retried instead of refused.
    let mut spoilt = csv().into_bytes();
    let middle = spoilt.len() / 2;
    spoilt[middle] = 0xff;
    bench.store().put(&raw, spoilt.into()).await.unwrap();
    bench.platform.restart("chunking-worker-1").await;
    let failed = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(
        (failed["status"].as_str(), failed["error"]["code"].as_str()),
        (Some("failed"), Some("file_refused"))
    );

    bench.store().put(&raw, csv().into()).await.unwrap();
    adds_up(&bench, &id, &csv()).await;
    obeyed(&client, &id, "retry").await;
    completes(&bench, &id).await;
}

#[tokio::test]
async fn a_retried_action_can_be_paused_and_cancelled() {
    let mut bench = strict().await;
    let client = bench.client();
    let id = chunked_only(&mut bench).await;
    let first = ChunkId { action_id: id.parse().unwrap(), partition: 0, seq: 0 };
    bench.store().delete(&keys::chunk("acme", first)).await.unwrap();
    bench.platform.restart("processing-worker-1").await;
    assert_eq!(client.wait_finished(&id, DEADLINE).await["status"], "failed");

    bench.platform.kill("chunking-worker-1", Signal::SIGKILL).await;
    obeyed(&client, &id, "retry").await;
    obeyed(&client, &id, "pause").await;
    obeyed(&client, &id, "resume").await;
    obeyed(&client, &id, "cancel").await;
    adds_up(&bench, &id, &csv()).await;
}
