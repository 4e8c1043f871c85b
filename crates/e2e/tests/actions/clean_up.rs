//! The clean-up of object storage removes no object that is still needed.

use bulk_core::chunk::ChunkId;
use bulk_core::storage::keys;
use bytes::Bytes;
use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::Upload;
use uuid::Uuid;

use crate::support::{Bench, DEADLINE, UNREMOVED, adds_up, file, finished, obeyed};

const ROWS: u64 = 500;

fn csv() -> String {
    file((1..=ROWS).map(|n| format!("user{n}@example.com,User {n},{}", n % 100)))
}

/// Ages the ended actions by a day and an hour, and waits until they are cleaned up.
async fn a_day_later(bench: &Bench) {
    bench.hours_later(25).await;
    bench
        .until_none(
            "SELECT (SELECT count(*) FROM bulk_actions WHERE completed_at IS NOT NULL AND cleaned_at IS NULL)
                  + (SELECT count(*) FROM removals)",
        )
        .await;
}

/// Keys below the action's prefix.
async fn stored(bench: &Bench, id: &str) -> Vec<String> {
    let prefix = keys::action_prefix("acme", id.parse().unwrap());
    let keys = bench.store().list(&prefix, None).await.unwrap();
    keys.iter().map(|key| key.strip_prefix(&prefix).unwrap().to_owned()).collect()
}

fn in_folder(stored: &[String], folder: &str) -> usize {
    stored.iter().filter(|key| key.starts_with(folder)).count()
}

fn chunk(id: &str, partition: i16, seq: i32) -> ChunkId {
    ChunkId { action_id: id.parse().unwrap(), partition, seq }
}

#[tokio::test]
async fn of_a_completed_action_the_file_and_the_results_stay() {
    let bench = Bench::with(&[("CHUNK_SIZE", "50"), ("CHUNK_RETENTION_HOURS", "24")]).await;
    let client = bench.client();
    let done = bench.run(&csv(), &Upload::contacts("bulk_create")).await;
    // Leftovers of dead workers: results that never counted, and chunks that no table knows; more than are listed or
    // deleted in one request.
    let store = bench.store();
    store.put(&keys::results("acme", chunk(&done.id, 0, 0), 99), Bytes::from_static(b"lost")).await.unwrap();
    for seq in 0..1100 {
        store.put(&keys::chunk("acme", chunk(&done.id, 99, seq)), Bytes::from_static(b"lost")).await.unwrap();
    }
    let logs = client.logs(&done.id, "limit=1000").await;
    a_day_later(&bench).await;

    let left = stored(&bench, &done.id).await;
    let chunks = done.detail["chunks"]["total"].as_u64().unwrap() as usize;
    assert_eq!((in_folder(&left, "chunks/"), in_folder(&left, "results/")), (0, chunks), "{left:?}");
    assert!(left.contains(&"raw.csv".to_owned()));
    let detail = client.data(&format!("/bulk-actions/{}", done.id)).await;
    assert_eq!(finished(&client, &done.id, detail).await.results, done.results);
    assert_eq!(client.logs(&done.id, "limit=1000").await["data"], logs["data"]);
    assert!(client.results(&done.id, "status=unprocessed").await.is_empty());
}

#[tokio::test]
async fn of_a_failed_action_what_a_retry_needs_stays_until_it_is_through() {
    let settings = [
        ("CHUNK_SIZE", "20"),
        ("MAX_PARTITIONS", "1"),
        ("MAX_CHUNK_ATTEMPTS", "1"),
        ("CHUNK_RETENTION_HOURS", "24"),
    ];
    let mut bench = Bench::with(&settings).await;
    let client = bench.client();
    for name in ["processing-worker-1", "processing-worker-2"] {
        bench.platform.kill(name, Signal::SIGKILL).await;
    }
    let id = client.upload(csv(), &Upload::contacts("bulk_create")).await;
    client.wait_for(&id, DEADLINE, |action| action["chunks"]["total"] == ROWS / 20).await;
    bench.store().delete(&keys::chunk("acme", chunk(&id, 0, 5))).await.unwrap();
    bench.platform.restart("processing-worker-1").await;
    let failed = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(
        (failed["status"].as_str(), &failed["chunks"]["done"]),
        (Some("failed"), &5.into()),
        "{failed:#}"
    );
    a_day_later(&bench).await;
    let left = stored(&bench, &id).await;
    assert_eq!((in_folder(&left, "chunks/"), in_folder(&left, "results/")), (19, 5), "{left:?}");
    adds_up(&bench, &id, &csv()).await;

    obeyed(&client, &id, "retry").await;
    let done = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    a_day_later(&bench).await;
    let left = stored(&bench, &id).await;
    assert_eq!((in_folder(&left, "chunks/"), in_folder(&left, "results/")), (0, 25), "{left:?}");
    assert_eq!(finished(&client, &id, done).await.counts(), (ROWS, 0, 0));
}

#[tokio::test]
async fn of_a_cancelled_action_results_and_unprocessed_rows_stay() {
    let mut bench = Bench::with(&[("CHUNK_SIZE", "20"), ("CHUNK_RETENTION_HOURS", "24")]).await;
    let client = bench.client();
    for name in ["processing-worker-1", "processing-worker-2"] {
        bench.platform.kill(name, Signal::SIGKILL).await;
    }
    let id = client.upload(csv(), &Upload::contacts("bulk_create")).await;
    client.wait_for(&id, DEADLINE, |action| action["chunks"]["total"] != 0).await;
    obeyed(&client, &id, "cancel").await;
    a_day_later(&bench).await;
    assert_eq!(stored(&bench, &id).await, ["raw.csv"]);
    adds_up(&bench, &id, &csv()).await;
}

#[tokio::test]
async fn files_results_and_actions_without_retention_days_stay() {
    let for_ever =
        [("FILE_RETENTION_DAYS", ""), ("RESULT_RETENTION_DAYS", ""), ("ACTION_RETENTION_DAYS", "")];
    let bench = Bench::with(&[&[("CHUNK_SIZE", "50")], &for_ever[..]].concat()).await;
    let done = bench.run(&csv(), &Upload::contacts("bulk_create")).await;
    let before = stored(&bench, &done.id).await;
    bench.hours_later(24 * 365 * 10).await;
    // After two clean-ups in a row, the earlier one has ended.
    for n in 0..3 {
        sqlx::query("INSERT INTO idempotency_keys SELECT 'acme', $1, '', id, '2020-01-01' FROM bulk_actions")
            .bind(format!("key {n}"))
            .execute(bench.env.pool())
            .await
            .unwrap();
        bench.until_none("SELECT count(*) FROM idempotency_keys").await;
    }
    assert_eq!(stored(&bench, &done.id).await, before);
}

#[tokio::test]
async fn abandoned_uploads_are_removed_with_their_parts() {
    let bench = Bench::start().await;
    let store = bench.store();
    let (small, large) = (Uuid::now_v7(), Uuid::now_v7());
    store.put(&keys::raw("acme", small), Bytes::from_static(b"email,name\n")).await.unwrap();
    let mut upload = store.upload(&keys::raw("acme", large));
    let part = vec![b'x'; 5 * 1024 * 1024];
    assert!(upload.write(&part).await.unwrap());
    let recent = Uuid::now_v7();
    store.put(&keys::raw("acme", recent), Bytes::from_static(b"email,name\n")).await.unwrap();
    for (id, multipart, silent_minutes) in
        [(small, None, 61), (large, upload.multipart_id(), 61), (recent, None, 59)]
    {
        sqlx::query(
            "INSERT INTO uploads (action_id, account_id, object_key, multipart_id, active_at)
             VALUES ($1, 'acme', $2, $3, now() - make_interval(mins => $4))",
        )
        .bind(id)
        .bind(keys::raw("acme", id))
        .bind(multipart)
        .bind(silent_minutes)
        .execute(bench.env.pool())
        .await
        .unwrap();
    }
    bench.until_none("SELECT count(*) FROM uploads WHERE active_at < now() - interval '60 minutes'").await;
    bench.until_none(UNREMOVED).await;
    assert_eq!(store.list("accounts/", None).await.unwrap(), [keys::raw("acme", recent)]);
    assert!(upload.write(&part).await.is_err(), "its multipart upload is gone");
    let left: Value = bench.client().data("/bulk-actions").await;
    assert_eq!(left, Value::Array(Vec::new()));
}
