//! Rows with equal keys.

use testkit::Upload;

use crate::support::{Bench, file};

const KEYS: usize = 50;

/// 5,000 rows over 50 keys; the name contains the row number.
fn repeated() -> String {
    file((1..=5000).map(|n| format!("user{}@example.com,Row {n},{}", n % KEYS, n % 100)))
}

#[tokio::test]
async fn without_deduplication_the_last_row_of_a_key_wins_over_many_chunks() {
    let bench = Bench::with_chunk_size(100).await;
    for action in ["bulk_upsert", "bulk_update"] {
        let done = bench.run(&repeated(), &Upload::contacts(action)).await;
        assert_eq!(done.counts(), (5000, 0, 0), "{action}");
        assert!(done.detail["chunks"]["total"].as_u64().unwrap() > 10);
        for (email, contact) in bench.contacts("acme").await {
            let key: usize = email.trim_start_matches("user").split('@').next().unwrap().parse().unwrap();
            let last = if key == 0 { 5000 } else { 5000 - KEYS + key };
            assert_eq!(contact.name, format!("Row {last}"), "{action} {email}");
        }
    }
    assert_eq!(bench.contacts("acme").await.len(), KEYS);
}

#[tokio::test]
async fn with_deduplication_the_first_row_of_a_key_wins_and_the_others_are_skipped() {
    let bench = Bench::with_chunk_size(100).await;
    let done = bench.run(&repeated(), &Upload::contacts("bulk_upsert").field("deduplicate", "true")).await;
    assert_eq!(done.counts(), (KEYS as u64, 0, 5000 - KEYS as u64));
    assert_eq!((done.code(1), done.code(KEYS as u64 + 1)), ("created", "duplicate"));
    for (email, contact) in bench.contacts("acme").await {
        let key: usize = email.trim_start_matches("user").split('@').next().unwrap().parse().unwrap();
        let first = if key == 0 { KEYS } else { key };
        assert_eq!(contact.name, format!("Row {first}"), "{email}");
    }
}

#[tokio::test]
async fn a_create_meets_the_record_that_an_earlier_row_created() {
    let bench = Bench::start().await;
    let csv = file(["a@example.com,First,1", "a@example.com,Second,2"]);
    let done = bench.run(&csv, &Upload::contacts("bulk_create")).await;
    assert_eq!(done.counts(), (1, 0, 1));
    assert_eq!((done.code(1), done.code(2)), ("created", "already_exists"));
    assert_eq!(bench.contacts("acme").await["a@example.com"].name, "First");
}
