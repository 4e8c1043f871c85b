//! Retention: data is kept until it expires or its owner deletes it, and a crash does not keep it longer.

use std::time::Duration;

use bulk_core::chunk::ChunkId;
use bulk_core::storage::keys;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;
use testkit::{Fault, Signal, Upload};

use crate::support::{Bench, DEADLINE, UNREMOVED, answered, control, file};

const STUCK: &str = "cannot-be-deleted";

fn csv() -> String {
    file((0..100).map(|n| format!("user{n}@example.com,User {n},{n}")))
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("no instant: {value}")).parse().unwrap()
}

fn prefix(id: &str) -> String {
    keys::action_prefix("acme", id.parse().unwrap())
}

async fn gone(bench: &Bench, path: &str, since: &Value) {
    let (status, body) = answered(bench.client().get(path).await).await;
    assert_eq!((status, body["error"]["code"].as_str()), (410, Some("gone")), "{path}: {body:#}");
    let date = since.as_str().unwrap().split('.').next().unwrap();
    assert!(body["message"].as_str().unwrap().contains(date), "{path}: {date} is not in {body:#}");
}

#[tokio::test]
async fn the_file_goes_and_then_the_results_and_then_the_action() {
    let days = [("FILE_RETENTION_DAYS", "1"), ("RESULT_RETENTION_DAYS", "2"), ("ACTION_RETENTION_DAYS", "3")];
    let bench = Bench::with(&[&[("CHUNK_SIZE", "20")], &days[..]].concat()).await;
    let client = bench.client();
    let done = bench.run(&csv(), &Upload::contacts("bulk_create")).await;
    let path = format!("/bulk-actions/{}", done.id);
    let ended = instant(&done.detail["completedAt"]);
    assert_eq!(instant(&done.detail["file"]["expiresAt"]) - ended, chrono::TimeDelta::days(1));
    assert_eq!(instant(&done.detail["results"]["expiresAt"]) - ended, chrono::TimeDelta::days(2));

    bench.hours_later(25).await;
    bench.until_none("SELECT count(*) FROM bulk_actions WHERE file_gone_at IS NULL").await;
    bench.until_none(UNREMOVED).await;
    let (left, bytes) = bench.objects(&prefix(&done.id)).await;
    assert!(!left.is_empty() && left.iter().all(|key| key.contains("/results/")), "{left:?}");
    assert_eq!(bench.stored_bytes("acme").await, bytes);
    let detail = client.data(&path).await;
    assert_eq!(detail["file"].get("downloadUrl"), None, "{detail:#}");
    gone(&bench, &format!("{path}/results?status=unprocessed"), &detail["file"]["expiresAt"]).await;
    let results = client.results(&done.id, "").await;
    assert_eq!(results.len(), 100, "results need no file");
    assert_eq!(results[0]["name"], done.results[&results[0]["_row"].parse().unwrap()]["name"]);

    bench.hours_later(24).await;
    bench.until_none("SELECT count(*) FROM bulk_actions WHERE results_gone_at IS NULL").await;
    bench.until_none(UNREMOVED).await;
    assert_eq!((bench.objects("accounts/").await.0, bench.stored_bytes("acme").await), (Vec::new(), 0));
    let detail = client.data(&path).await;
    for gone_now in ["logs", "results", "results?status=failed", "results?status=unprocessed"] {
        gone(&bench, &format!("{path}/{gone_now}"), &detail["results"]["expiresAt"]).await;
    }
    assert_eq!(client.stats(&done.id).await["successfulRecords"], 100, "the counts remain");

    bench.hours_later(24).await;
    bench.until_none("SELECT count(*) FROM bulk_actions").await;
    assert_eq!(client.get(&path).await.status(), 404);
    assert_eq!(bench.contacts("acme").await.len(), 100, "records are no part of an action");
}

#[tokio::test]
async fn a_failed_action_cannot_be_tried_again_without_its_file() {
    let settings = [
        ("CHUNK_SIZE", "20"),
        ("MAX_CHUNK_ATTEMPTS", "1"),
        ("MAX_PARTITIONS", "1"),
        ("FILE_RETENTION_DAYS", "1"),
    ];
    let mut bench = Bench::with(&settings).await;
    let client = bench.client();
    for name in ["processing-worker-1", "processing-worker-2"] {
        bench.platform.kill(name, Signal::SIGKILL).await;
    }
    let id = client.upload(csv(), &Upload::contacts("bulk_create")).await;
    client.wait_for(&id, DEADLINE, |action| action["chunks"]["total"] == 5).await;
    let chunk = ChunkId { action_id: id.parse().unwrap(), partition: 0, seq: 2 };
    bench.store().delete(&keys::chunk("acme", chunk)).await.unwrap();
    bench.platform.restart("processing-worker-1").await;
    assert_eq!(client.wait_finished(&id, DEADLINE).await["status"], "failed");
    bench.hours_later(25).await;
    bench.until_none("SELECT count(*) FROM bulk_actions WHERE file_gone_at IS NULL").await;

    let (status, body) = control(&client, &id, "retry").await;
    assert_eq!((status, body["error"]["code"].as_str()), (409, Some("conflict")), "{body:#}");
    let message = body["message"].as_str().unwrap();
    assert!(
        message.contains("its uploaded file expired on") && message.contains("Upload the file again"),
        "{message}"
    );
    let since = client.data(&format!("/bulk-actions/{id}")).await["file"]["expiresAt"].take();
    gone(&bench, &format!("/bulk-actions/{id}/results?status=unprocessed"), &since).await;
    assert_eq!(client.results(&id, "").await.len(), 40, "what was done before stays to be read");
    bench.until_none(UNREMOVED).await;
    let (left, bytes) = bench.objects("accounts/").await;
    assert!(left.iter().all(|key| key.contains("/results/")), "{left:?}");
    assert_eq!(bench.stored_bytes("acme").await, bytes);
}

#[tokio::test]
async fn only_its_owner_deletes_an_action_and_only_when_it_is_over() {
    let bench = Bench::start().await;
    let client = bench.client();
    let later = Upload::contacts("bulk_create").field("scheduledAt", "2100-01-01T00:00:00Z");
    let waiting = client.upload(csv(), &later).await;
    let (status, body) = answered(client.delete(&format!("/bulk-actions/{waiting}")).await).await;
    assert_eq!((status, body["error"]["code"].as_str()), (409, Some("conflict")), "{body:#}");
    assert!(body["message"].as_str().unwrap().contains("cancel it first"), "{body:#}");
    control(&client, &waiting, "cancel").await;

    let done = bench.run(&csv(), &Upload::contacts("bulk_create")).await;
    for id in [&waiting, &done.id] {
        let path = format!("/bulk-actions/{id}");
        let stranger = bench.platform.client("beta");
        assert_eq!(stranger.delete(&path).await.status(), 404);
        assert_eq!(client.delete(&path).await.status(), 200);
        assert_eq!(client.delete(&path).await.status(), 404, "it is deleted already");
        for read in ["", "/stats", "/logs", "/results", "/events"] {
            assert_eq!(client.get(&format!("{path}{read}")).await.status(), 404, "{read}");
        }
    }
    assert_eq!(client.data("/bulk-actions").await, Value::Array(Vec::new()));
    assert_eq!((bench.objects("accounts/").await.0, bench.stored_bytes("acme").await), (Vec::new(), 0));
    assert_eq!(bench.contacts("acme").await.len(), 100);
}

#[tokio::test]
async fn an_object_that_cannot_be_deleted_keeps_nothing_else() {
    let (bench, proxy) = Bench::behind_proxy(&[("CHUNK_SIZE", "20"), ("FILE_RETENTION_DAYS", "1")]).await;
    let client = bench.client();
    let stuck = bench.run(&csv(), &Upload::contacts("bulk_upsert")).await.id;
    let other = bench.run(&csv(), &Upload::contacts("bulk_upsert")).await.id;
    let kept = format!("{}results/{STUCK}.csv", prefix(&stuck));
    bench.store().put(&kept, Bytes::from_static(b"x")).await.unwrap();
    proxy.set(Fault::KeepObjects { named: STUCK });

    let (status, body) = answered(client.delete(&format!("/bulk-actions/{stuck}")).await).await;
    assert_eq!((status, &body["data"]["filesRemoved"]), (200, &Value::Bool(false)), "{body:#}");
    assert_eq!(client.get(&format!("/bulk-actions/{stuck}")).await.status(), 404, "it is gone all the same");
    assert_eq!(bench.objects(&prefix(&stuck)).await.0, std::slice::from_ref(&kept), "the others went");
    bench.hours_later(25).await;
    bench.until_none("SELECT count(*) FROM bulk_actions WHERE file_gone_at IS NULL").await;
    bench.until_none("SELECT count(*) FROM removals WHERE part = 'file'").await;
    let (left, _) = bench.objects(&prefix(&other)).await;
    assert!(left.iter().all(|key| key.contains("/results/")), "the clean-up went past it: {left:?}");
    let (failures, reason): (i32, String) =
        sqlx::query_as("SELECT failures, last_error FROM removals WHERE part = 'everything'")
            .fetch_one(bench.env.pool())
            .await
            .unwrap();
    assert!(failures >= 1 && reason.contains("1 objects cannot be deleted"), "{failures} {reason}");

    proxy.set(Fault::None);
    let now = "UPDATE removals SET due_at = now()";
    sqlx::query(now).execute(bench.env.pool()).await.unwrap();
    bench.until_none(UNREMOVED).await;
    let (left, bytes) = bench.objects("accounts/").await;
    assert!(!left.contains(&kept), "{left:?}");
    assert_eq!(bench.stored_bytes("acme").await, bytes);
    sqlx::query(now).execute(bench.env.pool()).await.unwrap();
    bench.until_none("SELECT count(*) FROM removals").await;
}

#[tokio::test]
async fn a_removal_goes_on_after_crashes() {
    let mut bench = Bench::with_chunk_size(20).await;
    let client = bench.client();
    let id = bench.run(&csv(), &Upload::contacts("bulk_create")).await.id;
    let store = bench.store();
    for n in 0..1500 {
        store.put(&format!("{}results/{n:05}", prefix(&id)), Bytes::from_static(b"x")).await.unwrap();
    }
    let path = format!("/bulk-actions/{id}");
    let deleting = tokio::spawn({
        let client = client.clone();
        async move { client.try_delete(&path).await }
    });
    // The action is deleted, and perhaps some of its objects.
    bench.until_none("SELECT count(*) FROM bulk_actions").await;
    bench.platform.kill("api", Signal::SIGKILL).await;
    deleting.await.unwrap();
    sqlx::query("UPDATE removals SET due_at = now()").execute(bench.env.pool()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    bench.platform.restart("chunking-worker-1").await;
    bench.until_none(UNREMOVED).await;
    assert_eq!((bench.objects("accounts/").await.0, bench.stored_bytes("acme").await), (Vec::new(), 0));
}
