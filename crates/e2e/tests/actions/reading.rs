//! Logs and results: complete, in an order that a reader can rely on, and never half a file for a whole one.

use std::collections::{BTreeMap, BTreeSet};

use bulk_core::chunk::ChunkId;
use bulk_core::config::{Config, Settings};
use bulk_core::storage::{ObjectStore, keys};
use serde_json::Value;
use sqlx::Row;
use testkit::{Client, Upload};

use crate::support::{Bench, file};

/// Rows of which every tenth is invalid.
fn rows(count: usize) -> String {
    file((1..=count).map(|n| {
        if n % 10 == 0 {
            format!("broken{n},Name,1")
        } else {
            format!("user{n}@example.com,Name,{}", n % 100)
        }
    }))
}

/// Follows the cursors from the first page on until there is none.
async fn all_logs(client: &Client, id: &str, query: &str) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.logs(id, &format!("{query}{cursor}")).await;
        entries.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return entries,
        }
    }
}

#[tokio::test]
async fn cursors_lead_to_every_row_once_with_and_without_a_status() {
    let bench = Bench::start().await;
    let done = bench.run(&rows(500), &Upload::contacts("bulk_create")).await;
    let client = bench.client();
    for (status, count) in
        [("", 500), ("&status=failed", 50), ("&status=success", 450), ("&status=skipped", 0)]
    {
        for limit in [7, 10, 100, 1000] {
            let entries = all_logs(&client, &done.id, &format!("limit={limit}{status}")).await;
            let seen: BTreeSet<_> = entries.iter().map(|entry| entry["row"].as_u64().unwrap()).collect();
            assert_eq!((entries.len(), seen.len()), (count, count), "{status} {limit}");
        }
    }
    let failed = all_logs(&client, &done.id, "status=failed").await;
    assert!(failed.iter().all(|entry| entry["status"] == "failed" && entry["code"] == "invalid"));

    // The same rows in the same order as the results, and within each chunk in the order of the file.
    let logged: Vec<_> =
        all_logs(&client, &done.id, "").await.iter().map(|entry| entry["row"].to_string()).collect();
    let results: Vec<_> = client.results(&done.id, "").await.iter().map(|row| row["_row"].clone()).collect();
    assert_eq!(logged, results);
}

#[tokio::test]
async fn a_reader_who_goes_on_from_his_cursor_misses_nothing_that_commits_meanwhile() {
    let bench = Bench::start().await;
    let client = bench.client();
    let id = client.upload(rows(3_000), &Upload::contacts("bulk_create")).await;
    let mut seen = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        // Asked before the page: what the page then lacks will never come.
        let status = client.data(&format!("/bulk-actions/{id}")).await["status"].take();
        let page = client.logs(&id, &format!("limit=50{cursor}")).await;
        for entry in page["data"].as_array().unwrap() {
            seen.insert(entry["row"].as_u64().unwrap(), entry.clone());
        }
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None if status == "completed" => break,
            None => {}
        }
    }
    assert!(seen.keys().copied().eq(1..=3_000), "{} rows were seen", seen.len());
}

#[tokio::test]
async fn the_order_of_commits_has_no_gap() {
    let bench = Bench::start().await;
    let done = bench.run(&rows(1_000), &Upload::contacts("bulk_create")).await;
    let numbers: Vec<i32> =
        sqlx::query("SELECT commit_number FROM bulk_action_chunks ORDER BY commit_number")
            .fetch_all(bench.env.pool())
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.get(0))
            .collect();
    assert!(numbers.iter().copied().eq(1..=i32::try_from(numbers.len()).unwrap()), "{numbers:?}");
    assert_eq!(done.detail["chunks"]["done"].as_u64().unwrap(), numbers.len() as u64);
}

#[tokio::test]
async fn a_download_that_cannot_be_read_to_its_end_is_broken_off() {
    let bench = Bench::with_chunk_size(1000).await;
    // Enough that the answer has begun before the missing piece is reached.
    let done = bench.run(&rows(20_000), &Upload::contacts("bulk_create")).await;
    let last = sqlx::query(
        "SELECT partition, seq, results_attempt FROM bulk_action_chunks ORDER BY commit_number DESC LIMIT 1",
    )
    .fetch_one(bench.env.pool())
    .await
    .unwrap();
    let chunk = ChunkId {
        action_id: done.id.parse().unwrap(),
        partition: last.get("partition"),
        seq: last.get("seq"),
    };
    let config = Config::from_settings(&Settings::from_iter(bench.env.settings())).unwrap();
    let key = keys::results("acme", chunk, last.get("results_attempt"));
    let store = ObjectStore::new(&config.storage);
    store.get(&key).await.expect("the object is there");
    store.delete(&key).await.unwrap();

    let path = format!("/bulk-actions/{}/results", done.id);
    let answer = bench.client().get(&path).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err(), "half a file must not look like a whole one");
}
