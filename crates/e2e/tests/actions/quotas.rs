//! Quotas of an account, and the exactness of its usage.

use serde_json::Value;
use testkit::{Response, Upload};

use crate::support::{Bench, answered, file, obeyed};

async fn refused(answer: Response) -> Value {
    let (status, body) = answered(answer).await;
    assert_eq!((status, body["error"]["code"].as_str()), (429, Some("quota_exceeded")), "{body:#}");
    body
}

#[tokio::test]
async fn of_two_uploads_at_once_the_second_sees_the_first() {
    let bench = Bench::without_workers_with(&[("MAX_OPEN_ACTIONS_PER_ACCOUNT", "1")]).await;
    let client = bench.client();
    let upload = Upload::contacts("bulk_create");
    let csv = file(["a@example.com,A,1"]);
    let (one, other) = tokio::join!(client.create(csv.clone(), &upload), client.create(csv.clone(), &upload));
    let (created, beyond) = if one.status() == 201 { (one, other) } else { (other, one) };
    let (status, created) = answered(created).await;
    assert_eq!(status, 201, "{created:#}");
    let beyond = refused(beyond).await;
    let detail = &beyond["error"]["details"][0];
    assert_eq!(
        (detail["field"].as_str(), detail["message"].as_str()),
        (Some("openActions"), Some("1 used, 1 allowed"))
    );
    let (left, bytes) = bench.objects("accounts/").await;
    assert_eq!(left.len(), 1, "what was refused leaves nothing: {left:?}");
    assert_eq!(bench.stored_bytes("acme").await, bytes);

    let stranger = bench.platform.client("beta").create(csv.clone(), &upload).await;
    assert_eq!(stranger.status(), 201, "another account has its own");
    refused(client.create(csv.clone(), &upload).await).await;
    obeyed(&client, created["data"]["id"].as_str().unwrap(), "cancel").await;
    assert_eq!(client.create(csv, &upload).await.status(), 201, "one has ended");
}

#[tokio::test]
async fn stored_bytes_are_those_of_the_objects_and_come_back_with_a_deletion() {
    let bench = Bench::with(&[("CHUNK_SIZE", "20"), ("MAX_STORED_MB_PER_ACCOUNT", "1")]).await;
    let client = bench.client();
    let upload = Upload::contacts("bulk_upsert").header("Idempotency-Key", "first");
    let csv = file((0..100).map(|n| format!("user{n}@example.com,User,{n}")));
    let done = bench.run(&csv, &upload).await;
    let (_, bytes) = bench.objects("accounts/acme/").await;
    assert_eq!(bench.stored_bytes("acme").await, bytes);

    let large = file((0..40_000).map(|n| format!("user{n}@example.com,A name of some length,1")));
    assert!(large.len() > 1024 * 1024);
    let body = refused(client.create(large, &Upload::contacts("bulk_upsert")).await).await;
    assert_eq!(body["error"]["details"][0]["message"], format!("{bytes} used, 1048576 allowed"));
    assert_eq!(bench.objects("accounts/acme/").await.1, bytes, "what was refused leaves nothing");

    sqlx::query("UPDATE account_usage SET stored_bytes = 1048576 WHERE account_id = 'acme'")
        .execute(bench.env.pool())
        .await
        .unwrap();
    refused(client.create(csv.clone(), &Upload::contacts("bulk_upsert")).await).await;
    let (status, repeat) = answered(client.create(csv.clone(), &upload).await).await;
    assert_eq!(
        (status, repeat["data"]["id"].as_str()),
        (200, Some(done.id.as_str())),
        "a repeat stores nothing"
    );
    let (status, body) = answered(client.delete(&format!("/bulk-actions/{}", done.id)).await).await;
    assert_eq!((status, &body["data"]["filesRemoved"]), (200, &Value::Bool(true)), "{body:#}");
    assert_eq!(bench.stored_bytes("acme").await, 1_048_576 - bytes);
    assert_eq!(client.create(csv, &upload).await.status(), 201, "its key is free as well");
}
