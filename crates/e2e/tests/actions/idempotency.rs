//! The header `Idempotency-Key`.

use std::time::Instant;

use serde_json::Value;
use testkit::{Client, Upload};

use crate::support::{Bench, DEADLINE, file, finished};

/// Uploads with a key, and returns status, `Location` and body.
async fn create(client: &Client, csv: &str, upload: &Upload, key: &str) -> (u16, Option<String>, Value) {
    let answer = client.create(csv, &upload.clone().header("Idempotency-Key", key)).await;
    let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location, answer.json().await.unwrap())
}

async fn count(bench: &Bench, table: &'static str) -> i64 {
    let sql = match table {
        "uploads" => "SELECT count(*) FROM uploads",
        "bulk_actions" => "SELECT count(*) FROM bulk_actions",
        _ => "SELECT count(*) FROM idempotency_keys",
    };
    sqlx::query_scalar(sql).fetch_one(bench.env.pool()).await.unwrap()
}

fn csv() -> String {
    file((1..=200).map(|n| format!("user{n}@example.com,User {n},1")))
}

#[tokio::test]
async fn concurrent_repeats_create_one_action() {
    let bench = Bench::start().await;
    let client = bench.client();
    let upload = Upload::contacts("bulk_create");
    let (csv, repeats) = (csv(), 8);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..repeats {
        let (client, csv, upload) = (client.clone(), csv.clone(), upload.clone());
        calls.spawn(async move { create(&client, &csv, &upload, "import-17").await });
    }
    let answers = calls.join_all().await;
    let with_status = |wanted| answers.iter().filter(|(status, ..)| *status == wanted).count();
    assert_eq!((with_status(201), with_status(200)), (1, repeats - 1), "{answers:#?}");
    let (_, _, first) = answers.iter().find(|(status, ..)| *status == 201).unwrap();
    let id = first["data"]["id"].as_str().unwrap();
    for (_, location, body) in &answers {
        assert_eq!(location.as_deref(), Some(format!("/bulk-actions/{id}").as_str()));
        for same in ["id", "totalEntities", "scheduledAt", "createdAt", "file"] {
            assert_eq!(body["data"][same], first["data"][same], "{same}");
        }
        assert_eq!(body["data"]["processing"]["jobId"], id);
    }
    assert_eq!((count(&bench, "bulk_actions").await, count(&bench, "uploads").await), (1, 0));
    let done = client.wait_finished(id, DEADLINE).await;
    assert_eq!(finished(&client, id, done).await.counts(), (200, 0, 0));
    let stored = bench.store().list("accounts/", None).await.unwrap();
    let raw = stored.iter().filter(|key| key.ends_with("raw.csv")).count();
    assert_eq!(raw, 1, "what the repeats had stored is removed: {stored:?}");

    let (status, _, later) = create(&client, &csv, &upload, "import-17").await;
    assert_eq!((status, later["data"]["status"].as_str()), (200, Some("completed")), "as it stands now");
}

#[tokio::test]
async fn a_key_stands_for_one_payload_of_one_account() {
    let bench = Bench::start().await;
    let client = bench.client();
    let upload = Upload::contacts("bulk_create");
    let (status, _, first) = create(&client, &csv(), &upload, "k").await;
    assert_eq!(status, 201, "{first}");

    let spelt_out =
        upload.clone().field("dryRun", "false").field("onConflict", "skip").file_name("other.csv");
    assert_eq!(create(&client, &csv(), &spelt_out, "k").await.2["data"]["id"], first["data"]["id"]);

    let more = csv() + "one-more@example.com,One,1\n";
    for (csv, upload) in [
        (more.as_str(), &upload),
        (&csv(), &upload.clone().field("dryRun", "true")),
        (&csv(), &Upload::contacts("bulk_upsert")),
        (&csv(), &upload.clone().field("scheduledAt", "2999-01-01T00:00:00Z")),
    ] {
        let (status, _, body) = create(&client, csv, upload, "k").await;
        assert_eq!((status, body["error"]["code"].as_str()), (409, Some("conflict")), "{body}");
    }
    assert_eq!((count(&bench, "bulk_actions").await, count(&bench, "uploads").await), (1, 0));

    let other = bench.platform.client("other");
    let (status, _, others) = create(&other, &csv(), &upload, "k").await;
    assert_eq!(status, 201, "keys are each account's own");
    assert_ne!(others["data"]["id"], first["data"]["id"]);
}

#[tokio::test]
async fn a_refused_upload_keeps_no_key_and_a_bad_key_is_named() {
    let bench = Bench::start().await;
    let client = bench.client();
    let upload = Upload::contacts("bulk_create");
    let (status, ..) = create(&client, "email,shoeSize\na@example.com,1\n", &upload, "k").await;
    assert_eq!(status, 400);
    assert_eq!(count(&bench, "idempotency_keys").await, 0);
    let too_long = "k".repeat(256);
    for key in ["two words", &too_long] {
        let (status, _, body) = create(&client, &csv(), &upload, key).await;
        assert_eq!((status, body["error"]["details"][0]["field"].as_str()), (400, Some("Idempotency-Key")));
    }
    assert_eq!(count(&bench, "bulk_actions").await, 0);
    assert_eq!(create(&client, &csv(), &upload, "k").await.0, 201);
}

#[tokio::test]
async fn a_key_counts_for_a_day_and_is_removed_after() {
    // Expired keys are removed only in the first round, so an old key still exists.
    let bench = Bench::with(&[("RECONCILE_INTERVAL_MS", "600000")]).await;
    let client = bench.client();
    let upload = Upload::contacts("bulk_create");
    let first = create(&client, &csv(), &upload, "k").await.2["data"]["id"].clone();
    let age = |hours: i32| {
        sqlx::query("UPDATE idempotency_keys SET created_at = now() - make_interval(hours => $1)")
            .bind(hours)
            .execute(bench.env.pool())
    };
    age(23).await.unwrap();
    assert_eq!(create(&client, &csv(), &upload, "k").await.2["data"]["id"], first);
    age(24).await.unwrap();
    let (status, _, second) = create(&client, &csv(), &upload, "k").await;
    assert_eq!(status, 201, "an old key counts as absent");
    assert_ne!(second["data"]["id"], first);
    assert_eq!(create(&client, &csv(), &upload, "k").await.2["data"]["id"], second["data"]["id"]);

    let bench = Bench::start().await;
    assert_eq!(create(&bench.client(), &csv(), &upload, "k").await.0, 201);
    sqlx::query("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
        .execute(bench.env.pool())
        .await
        .unwrap();
    let end = Instant::now() + DEADLINE;
    while count(&bench, "idempotency_keys").await > 0 {
        assert!(Instant::now() < end, "the key is still there");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_scheduled_upload_can_be_repeated_after_its_time() {
    let bench = Bench::start().await;
    let client = bench.client();
    let at: String = sqlx::query_scalar(
        "SELECT to_char((now() + interval '1 second') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    )
    .fetch_one(bench.env.pool())
    .await
    .unwrap();
    let upload = Upload::contacts("bulk_create").field("scheduledAt", &at);
    let (status, _, first) = create(&client, &csv(), &upload, "k").await;
    assert_eq!(status, 201, "{first}");
    let id = first["data"]["id"].as_str().unwrap();
    client.wait_finished(id, DEADLINE).await;
    let (status, _, repeat) = create(&client, &csv(), &upload, "k").await;
    assert_eq!((status, repeat["data"]["id"].as_str()), (200, Some(id)));
    assert_eq!(create(&client, &csv(), &upload, "another").await.0, 400, "a first upload must lie ahead");
}
