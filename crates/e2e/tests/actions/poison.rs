//! Objects and rows that no retry can repair: they end with a reason and do not affect others.

use std::collections::BTreeMap;
use std::time::Duration;

use bulk_core::chunk::ChunkId;
use bulk_core::config::{Config, Settings};
use bulk_core::storage::{ObjectStore, keys};
use nix::sys::signal::Signal;
use sqlx::Row;
use testkit::Upload;
use uuid::Uuid;

use crate::support::{Bench, DEADLINE, file, finished};

const ROWS: usize = 400;
const CHUNK_SIZE: usize = 10;

fn many() -> String {
    file((0..ROWS).map(|n| format!("user{n}@example.com,User {n},{}", n % 100)))
}

fn store(bench: &Bench) -> ObjectStore {
    ObjectStore::new(&Config::from_settings(&Settings::from_iter(bench.env.settings())).unwrap().storage)
}

async fn few_attempts() -> Bench {
    Bench::with(&[("CHUNK_SIZE", &CHUNK_SIZE.to_string()), ("MAX_CHUNK_ATTEMPTS", "2")]).await
}

async fn stop(bench: &mut Bench, names: &[&str]) {
    for name in names {
        bench.platform.kill(name, Signal::SIGTERM).await;
        bench.platform.wait_end(name, Duration::from_secs(30)).await;
    }
}

/// Waits until a query about the action returns true.
async fn until(bench: &Bench, id: &str, condition: &'static str) {
    let id: Uuid = id.parse().unwrap();
    let end = tokio::time::Instant::now() + DEADLINE;
    while !sqlx::query_scalar::<_, bool>(condition).bind(id).fetch_one(bench.env.pool()).await.unwrap() {
        assert!(tokio::time::Instant::now() < end, "{condition} did not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const PROCESSORS: [&str; 2] = ["processing-worker-1", "processing-worker-2"];

#[tokio::test]
async fn missing_and_damaged_chunks_are_dead_with_their_reason_and_the_rest_completes() {
    let mut bench = few_attempts().await;
    stop(&mut bench, &PROCESSORS).await;
    let client = bench.client();
    let id = client.upload(many(), &Upload::contacts("bulk_create")).await;
    until(&bench, &id, "SELECT chunking_done_at IS NOT NULL FROM bulk_actions WHERE id = $1").await;

    let store = store(&bench);
    let key = |partition| keys::chunk("acme", ChunkId { action_id: id.parse().unwrap(), partition, seq: 0 });
    let whole = store.get(&key(1)).await.unwrap();
    store.delete(&key(0)).await.unwrap();
    store.put(&key(1), whole.slice(..whole.len() - 7)).await.unwrap();
    // The same number of well-formed rows, so that only the hash reveals the change.
    let other = String::from_utf8(store.get(&key(2)).await.unwrap().to_vec()).unwrap();
    store.put(&key(2), other.replace("User", "Loser").into()).await.unwrap();
    let shorter = String::from_utf8(store.get(&key(3)).await.unwrap().to_vec()).unwrap();
    let last_row = shorter.trim_end().rfind('\n').unwrap();
    store.put(&key(3), shorter[..=last_row].to_owned().into()).await.unwrap();

    for name in PROCESSORS {
        bench.platform.restart(name).await;
    }
    let action = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(action["status"], "failed", "{action:#}");
    let dead = sqlx::query(
        "SELECT partition, seq, failures, last_error FROM bulk_action_chunks
         WHERE action_id = $1 AND status = 'dead' ORDER BY partition",
    )
    .bind(id.parse::<Uuid>().unwrap())
    .fetch_all(bench.env.pool())
    .await
    .unwrap();
    let reasons: BTreeMap<i16, String> =
        dead.iter().map(|chunk| (chunk.get("partition"), chunk.get("last_error"))).collect();
    assert_eq!(reasons.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(dead.iter().all(|chunk| chunk.get::<i32, _>("failures") == 2 && chunk.get::<i32, _>("seq") == 0));
    assert_eq!(reasons[&0], "the chunk's object is missing from object storage");
    for partition in 1..=3 {
        assert!(reasons[&partition].starts_with("the chunk's object is damaged: its "), "{reasons:?}");
    }
    let advice = action.to_string();
    assert!(advice.contains("4 of") && advice.contains("/retry"), "it says what to do: {advice}");
    the_rest_is_done(&bench, &id).await;
}

/// Checks that all chunks of the undamaged partitions are done, and none of the others.
async fn the_rest_is_done(bench: &Bench, id: &str) {
    let client = bench.client();
    let rows = sqlx::query_scalar::<_, i64>(
        "SELECT sum(row_count)::bigint FROM bulk_action_chunks WHERE action_id = $1 AND partition > 3",
    )
    .bind(id.parse::<Uuid>().unwrap())
    .fetch_one(bench.env.pool())
    .await
    .unwrap();
    let stats = client.stats(id).await;
    assert_eq!(
        (stats["successfulRecords"].as_i64(), stats["processedRecords"].as_i64()),
        (Some(rows), Some(rows))
    );
    let contacts = bench.contacts("acme").await;
    assert_eq!(contacts.len() as i64, rows);
    assert!(contacts.values().all(|contact| contact.name.starts_with("User ")));
    let unprocessed = client.results(id, "status=unprocessed").await;
    assert_eq!(unprocessed.len() as i64, ROWS as i64 - rows);
}

#[tokio::test]
async fn a_file_that_is_gone_fails_its_action_and_says_what_to_do() {
    let mut bench = few_attempts().await;
    stop(&mut bench, &["chunking-worker-1"]).await;
    let client = bench.client();
    let id = client.upload(many(), &Upload::contacts("bulk_create")).await;
    store(&bench).delete(&keys::raw("acme", id.parse().unwrap())).await.unwrap();
    bench.platform.restart("chunking-worker-1").await;
    let action = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(action["status"], "failed", "{action:#}");
    let text = action.to_string();
    assert!(text.contains("the stored file is damaged: there is no such object"), "{text}");
    assert!(text.contains("upload it again"), "{text}");
}

#[tokio::test]
async fn a_file_that_lost_its_end_is_not_read_as_a_shorter_one_and_goes_on_when_it_is_whole() {
    let mut bench = Bench::with_chunk_size(CHUNK_SIZE).await;
    stop(&mut bench, &["chunking-worker-1"]).await;
    let client = bench.client();
    let id = client.upload(many(), &Upload::contacts("bulk_create")).await;
    let (store, key) = (store(&bench), keys::raw("acme", id.parse().unwrap()));
    let whole = store.get(&key).await.unwrap();
    // Cut in the middle of a row, which must not be mistaken for a malformed one.
    store.put(&key, whole.slice(..whole.len() / 2 + 3)).await.unwrap();
    bench.platform.restart("chunking-worker-1").await;
    until(&bench, &id, "SELECT chunking_failures > 0 FROM bulk_actions WHERE id = $1").await;
    store.put(&key, whole).await.unwrap();
    let action = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(action["status"], "completed", "{action:#}");
    let done = finished(&client, &id, action).await;
    assert_eq!(done.counts(), (ROWS as u64, 0, 0));
}

#[tokio::test]
async fn rows_that_the_database_refuses_fail_alone() {
    let bench = Bench::with_chunk_size(100).await;
    for statement in [
        "ALTER TABLE contacts ADD CONSTRAINT contacts_polite CHECK (name NOT LIKE 'Rude%')",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.age = 99) EXECUTE FUNCTION refuse()",
        "CREATE FUNCTION overflow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN NEW.age := NEW.age * 2000000000; RETURN NEW; END $$",
        "CREATE TRIGGER overflow BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.age = 98) EXECUTE FUNCTION overflow()",
    ] {
        sqlx::query(statement).execute(bench.env.pool()).await.unwrap();
    }
    let mut rows: Vec<String> = (0..95).map(|n| format!("user{n}@example.com,User {n},{n}")).collect();
    rows.insert(20, "rude@example.com,Rude Row,1".to_owned());
    rows.insert(40, "trigger@example.com,Trigger,99".to_owned());
    rows.insert(60, "overflow@example.com,Overflow,98".to_owned());
    let done = bench.run(&file(&rows), &Upload::contacts("bulk_create")).await;
    assert_eq!(done.counts(), (95, 3, 0));
    assert_eq!(done.reason(21), "rejected: the record breaks a rule of the database");
    assert_eq!(done.reason(41), "rejected: the database refused the record");
    assert_eq!(done.reason(61), "rejected: a value cannot be stored");
    assert_eq!(bench.contacts("acme").await.len(), 95);
}

#[tokio::test]
async fn values_beyond_every_limit_fail_alone_and_with_their_column() {
    let bench = Bench::with_chunk_size(100).await;
    // A row of more than 256 KiB would be refused by the upload.
    let long = "x".repeat(200_000);
    let rows = [
        "good@example.com,Good,1".to_owned(),
        format!("long@example.com,{long},1"),
        format!("{long}@example.com,Long,1"),
        "huge@example.com,Huge,99999999999999999999999999".to_owned(),
        "minus@example.com,Minus,-1".to_owned(),
        "float@example.com,Float,1e400".to_owned(),
        "nul@example.com,a\0b,1".to_owned(),
    ];
    let done = bench.run(&file(&rows), &Upload::contacts("bulk_upsert")).await;
    assert_eq!(done.counts(), (1, 6, 0));
    let column =
        |row: u64| done.reason(row).strip_prefix("invalid: ").unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!((2..=7).map(column).collect::<Vec<_>>(), ["name", "email", "age", "age", "age", "name"]);
    assert!(done.results[&2]["name"] == long, "uploaded values come back whole");
}

/// A surrogate is invalid in UTF-8, but some programs write it.
#[tokio::test]
async fn bytes_that_are_no_text_refuse_the_file_with_their_line() {
    let bench = Bench::start().await;
    for bad in [&b"\xed\xa0\x80"[..], b"\xff", b"\xc3", b"\xf5\x80\x80\x80"] {
        let mut csv = file((0..5_000).map(|n| format!("user{n}@example.com,User {n},1"))).into_bytes();
        csv.extend_from_slice(b"bad@example.com,");
        csv.extend_from_slice(bad);
        csv.extend_from_slice(b",1\nlast@example.com,Last,1\n");
        let answer = bench.client().create(csv, &Upload::contacts("bulk_create")).await;
        assert_eq!(answer.status(), 400);
        let text = answer.text().await.unwrap();
        assert!(text.contains("line 5002 is not valid"), "{text}");
    }
}
