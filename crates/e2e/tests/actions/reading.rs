//! Logs and results: complete, in a reliable order, and never a partial file that looks complete.

use std::collections::{BTreeMap, BTreeSet};

use bulk_core::chunk::ChunkId;
use bulk_core::config::{Config, Settings};
use bulk_core::storage::{ObjectStore, keys};
use reqwest::header::HeaderMap;
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

/// All rows, following the cursors from the first page on.
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

    // The results of a finished action are in file order, independent of the order of its commits.
    let results: Vec<_> = client.results(&done.id, "").await.iter().map(|row| row["_row"].clone()).collect();
    assert_eq!(results, (1..=500).map(|row| row.to_string()).collect::<Vec<_>>());
    let failed: Vec<_> =
        client.results(&done.id, "status=failed").await.iter().map(|row| row["_row"].clone()).collect();
    assert_eq!(failed, (1..=50).map(|row| (row * 10).to_string()).collect::<Vec<_>>());
}

/// Sends a download request with headers; returns status, response headers and body.
async fn download(bench: &Bench, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let url = format!("{}{path}", bench.platform.url());
    let request =
        reqwest::Client::builder().no_proxy().build().unwrap().get(url).header("account-id", "acme");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_download_that_broke_off_goes_on_where_it_ended() {
    let bench = Bench::start().await;
    let done = bench.run(&rows(300), &Upload::contacts("bulk_create")).await;
    let path = format!("/bulk-actions/{}/results", done.id);
    let (status, headers, whole) = download(&bench, &path, &[]).await;
    assert_eq!(
        (status, &headers["x-results-complete"], &headers["accept-ranges"]),
        (200, &"true".parse().unwrap(), &"bytes".parse().unwrap())
    );
    let etag = headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(download(&bench, &path, &[]).await.2, whole, "the same bytes every time");

    let length = whole.len();
    for (range, part) in
        [("bytes=0-9", 0..10), ("bytes=1000-", 1000..length), ("bytes=-77", length - 77..length)]
    {
        let (status, headers, text) = download(&bench, &path, &[("range", range), ("if-range", &etag)]).await;
        let content_range = format!("bytes {}-{}/{length}", part.start, part.end - 1);
        assert_eq!((status, headers["content-range"].to_str().unwrap()), (206, content_range.as_str()));
        assert_eq!((text.as_str(), &headers["etag"]), (&whole[part], &etag.parse().unwrap()), "{range}");
    }
    let beyond = download(&bench, &path, &[("range", &format!("bytes={length}-"))]).await;
    assert_eq!(
        (beyond.0, beyond.1["content-range"].to_str().unwrap()),
        (416, format!("bytes */{length}").as_str())
    );
    let other = download(&bench, &path, &[("range", "bytes=5-"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.0, other.2), (200, whole.clone()));
    assert_eq!(download(&bench, &path, &[("if-none-match", &etag)]).await.0, 304);

    let failed = download(&bench, &format!("{path}?status=failed"), &[]).await;
    assert_ne!(failed.1["etag"], etag.as_str());
    let (_, headers, _) = download(&bench, &path, &[("accept-encoding", "gzip")]).await;
    assert!(headers["etag"].to_str().unwrap().starts_with("W/"), "other bytes than the ETag names");
}

#[tokio::test]
async fn a_download_of_what_runs_says_that_it_is_not_complete() {
    let bench = Bench::without_workers().await;
    let id = bench.client().upload(rows(10), &Upload::contacts("bulk_create")).await;
    let (status, headers, _) =
        download(&bench, &format!("/bulk-actions/{id}/results"), &[("range", "bytes=5-")]).await;
    assert_eq!((status, &headers["x-results-complete"]), (200, &"false".parse().unwrap()));
    assert!(!headers.contains_key("etag") && !headers.contains_key("accept-ranges"));
}

#[tokio::test]
async fn a_reader_who_goes_on_from_his_cursor_misses_nothing_that_commits_meanwhile() {
    let bench = Bench::start().await;
    let client = bench.client();
    let id = client.upload(rows(3_000), &Upload::contacts("bulk_create")).await;
    let mut seen = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        // Read before the page, so that rows missing from the page will never come.
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
    // Large enough that the response has started before the missing object is reached.
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
