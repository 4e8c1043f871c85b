//! A large file of one account leaves room for the others.

use testkit::{Client, Upload};
use tokio::time::{Duration, sleep};

use crate::support::{Bench, DEADLINE, file, run};

const CHUNK_ROWS: usize = 20;
const LARGE_ROWS: u64 = 10_000;
/// The default of `MAX_CHUNKS_IN_FLIGHT_PER_ACCOUNT`.
const MOST_IN_FLIGHT: i64 = 8;

async fn upload_large(client: &Client) -> String {
    let rows = (1..=LARGE_ROWS).map(|n| format!("large{n}@example.com,Large {n},{}", n % 100));
    let id = client.upload(file(rows), &Upload::contacts("bulk_create")).await;
    client.wait_for(&id, DEADLINE, |action| action["status"] == "processing").await;
    id
}

#[tokio::test]
async fn a_small_action_ends_while_a_large_one_of_another_account_runs() {
    let bench = Bench::with_chunk_size(CHUNK_ROWS).await;
    let (large, small) = (bench.client(), bench.platform.client("small"));
    let id = upload_large(&large).await;
    let rows = (1..=100).map(|n| format!("small{n}@example.com,Small {n},{n}"));
    let done = run(&small, &file(rows), &Upload::contacts("bulk_create")).await;
    assert_eq!(done.counts(), (100, 0, 0));
    let still = large.data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(still["status"], "processing", "too fast for this test: give it more rows");
    let detail = large.wait_finished(&id, DEADLINE).await;
    assert_eq!(detail["status"], "completed", "{detail:#}");
}

#[tokio::test]
async fn an_account_never_has_more_chunks_in_flight_than_the_cap() {
    let bench = Bench::with_chunk_size(CHUNK_ROWS).await;
    let client = bench.client();
    let id = upload_large(&client).await;
    let mut most = 0;
    while client.data(&format!("/bulk-actions/{id}")).await["status"] == "processing" {
        let in_flight: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM bulk_action_chunks WHERE status IN ('queued', 'running', 'retrying')",
        )
        .fetch_one(bench.env.pool())
        .await
        .unwrap();
        most = most.max(in_flight);
        sleep(Duration::from_millis(5)).await;
    }
    assert!((2..=MOST_IN_FLIGHT).contains(&most), "{most} chunks in flight");
}
