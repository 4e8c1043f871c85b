//! One account's work does not starve others. Checked by order: the account that comes last ends first, and no work of
//! the others is lost.

use testkit::{Client, Upload};
use tokio::time::{Duration, sleep};

use crate::support::{Bench, DEADLINE, file, finished, run};

const CHUNK_ROWS: usize = 20;
const LARGE_ROWS: u64 = 10_000;
/// With lines of this length the file exceeds 1 MiB. Smaller files are read without a pause.
const LARGE_FILE_ROWS: u64 = 120_000;
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

async fn status(client: &Client, id: &str) -> String {
    client.data(&format!("/bulk-actions/{id}")).await["status"].as_str().unwrap().to_owned()
}

/// A platform with a single slot per worker.
async fn one_slot(more: &[(&str, &str)]) -> Bench {
    let mut settings = vec![("PROCESSING_CONCURRENCY", "1"), ("CHUNKING_CONCURRENCY", "1")];
    settings.extend_from_slice(more);
    Bench::with_one_worker(&settings).await
}

/// Makes every row of an attacker's file slow, like rejected rows or locked records.
async fn make_slow_rows(bench: &Bench) {
    for statement in [
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$",
        "CREATE TRIGGER dawdle BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.name = 'Slow')
         EXECUTE FUNCTION dawdle()",
    ] {
        sqlx::query(statement).execute(bench.env.pool()).await.unwrap();
    }
}

#[tokio::test]
async fn chunks_that_take_long_give_their_slot_to_a_newcomer_and_end_exactly_all_the_same() {
    let bench = one_slot(&[]).await;
    make_slow_rows(&bench).await;
    let attacker = bench.platform.client("attacker");
    let mut slow = Vec::new();
    for chunk in 0..4 {
        let rows = (0..10).map(|n| format!("slow{chunk}-{n}@example.com,Slow,1"));
        slow.push(attacker.upload(file(rows), &Upload::contacts("bulk_create")).await);
    }
    attacker.wait_for(&slow[0], DEADLINE, |action| action["status"] == "processing").await;
    for newcomer in ["first", "second", "third"] {
        let rows = (0..10).map(|n| format!("quick{n}@example.com,Quick,{n}"));
        let client = bench.platform.client(newcomer);
        assert_eq!(run(&client, &file(rows), &Upload::contacts("bulk_create")).await.counts(), (10, 0, 0));
        assert_ne!(status(&attacker, &slow[3]).await, "completed", "too fast for this test: more rows");
    }
    for id in &slow {
        let detail = attacker.wait_finished(id, DEADLINE).await;
        assert_eq!(detail["status"], "completed", "{detail:#}");
        assert_eq!(finished(&attacker, id, detail).await.counts(), (10, 0, 0));
    }
}

#[tokio::test]
async fn rows_that_are_locked_are_no_failure_and_no_outage() {
    let bench = one_slot(&[]).await;
    let pool = bench.env.pool();
    bench.seed("acme", "held@example.com", "Held", None).await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("UPDATE contacts SET age = 1").execute(&mut *holder).await.unwrap();
    let client = bench.client();
    let id = client.upload(file(["held@example.com,Let Go,2"]), &Upload::contacts("bulk_update")).await;
    let contended = "SELECT count(*) FROM bulk_action_chunks WHERE contended > 0";
    while sqlx::query_scalar::<_, i64>(contended).fetch_one(pool).await.unwrap() == 0 {
        assert_ne!(status(&client, &id).await, "completed");
        sleep(Duration::from_millis(20)).await;
    }
    // While that work waits, the slot is free for others.
    let other = bench.platform.client("other");
    let done = run(&other, &file(["quick@example.com,Quick,1"]), &Upload::contacts("bulk_create")).await;
    assert_eq!(done.counts(), (1, 0, 0));
    holder.commit().await.unwrap();
    let detail = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(finished(&client, &id, detail).await.counts(), (1, 0, 0));
    let failures: i64 =
        sqlx::query_scalar("SELECT sum(failures) FROM bulk_action_chunks").fetch_one(pool).await.unwrap();
    assert_eq!(failures, 0, "contention counts as no attempt");
    let log = bench.platform.log("processing-worker-1");
    assert!(!log.contains("a dependency is away"), "contention opens no circuit: {log}");
}

#[tokio::test]
async fn a_small_file_is_read_while_large_ones_of_others_are() {
    let bench = one_slot(&[]).await;
    let mut large = Vec::new();
    for account in ["attacker-1", "attacker-2"] {
        let client = bench.platform.client(account);
        let rows = (0..LARGE_FILE_ROWS).map(|n| {
            format!("large{n}@example.com,A Name That Is Not Short At All And Goes On {n},{}", n % 100)
        });
        let upload = Upload::contacts("bulk_create").field("dryRun", "true");
        large.push((client.upload(file(rows), &upload).await, client));
    }
    let (id, client) = &large[0];
    client.wait_for(id, DEADLINE, |action| action["status"] == "processing").await;
    let small = bench.platform.client("newcomer");
    let id = small.upload(file(["small@example.com,Small,1"]), &Upload::contacts("bulk_create")).await;
    small.wait_for(&id, DEADLINE, |action| action["status"] != "queued").await;
    let read: Vec<Option<bool>> = sqlx::query_scalar(
        "SELECT chunking_done_at < (SELECT max(started_at) FROM bulk_actions WHERE account_id = 'newcomer')
         FROM bulk_actions WHERE account_id LIKE 'attacker%'",
    )
    .fetch_all(bench.env.pool())
    .await
    .unwrap();
    assert!(
        read.iter().any(|&read| read != Some(true)),
        "one slot, and the small file was let in before both were read"
    );
    let detail = small.wait_finished(&id, DEADLINE).await;
    assert_eq!(detail["status"], "completed", "{detail:#}");
    // Other tests check that they end correctly; waiting for so many rows would only take time.
    for (id, client) in &large {
        assert!(client.post(&format!("/bulk-actions/{id}/cancel")).await.status().is_success());
    }
}
