//! `api erase`: removes everything of the account and nothing of others.

use std::process::Output;

use bulk_core::storage::keys;
use bytes::Bytes;
use testkit::{Fault, Upload, Variables, run_to_end};
use uuid::Uuid;

use crate::support::{Bench, control, file, run};

const STUCK: &str = "cannot-be-deleted";

fn csv() -> String {
    file((0..100).map(|n| format!("user{n}@example.com,User {n},{n}")))
}

async fn erase(settings: &Variables, account: &str) -> (bool, String) {
    let Output { status, stdout, stderr } =
        run_to_end("api", &["erase", "--account", account], settings).await;
    let text = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (status.success(), text)
}

#[tokio::test]
async fn nothing_of_an_erased_account_is_left_and_nobody_else_loses_anything() {
    let bench = Bench::with_chunk_size(20).await;
    let client = bench.client();
    bench.run(&csv(), &Upload::contacts("bulk_create").header("Idempotency-Key", "k")).await;
    let later = Upload::contacts("bulk_create").field("scheduledAt", "2100-01-01T00:00:00Z");
    client.upload(csv(), &later).await;
    let deleted = client.upload(csv(), &later).await;
    control(&client, &deleted, "cancel").await;
    assert_eq!(client.delete(&format!("/bulk-actions/{deleted}")).await.status(), 200);
    // An account whose name starts with that of the erased one.
    let other = bench.platform.client("acme2");
    let kept = run(&other, &csv(), &Upload::contacts("bulk_create")).await;
    let store = bench.store();
    let (upload_id, orphan) = (Uuid::now_v7(), format!("{}orphan", keys::account_prefix("acme")));
    let mut upload = store.upload(&keys::raw("acme", upload_id));
    assert!(upload.write(&vec![b'x'; 5 * 1024 * 1024]).await.unwrap());
    store.put(&orphan, Bytes::from_static(b"x")).await.unwrap();
    sqlx::query(
        "INSERT INTO uploads (action_id, account_id, object_key, multipart_id) VALUES ($1, 'acme', $2, $3)",
    )
    .bind(upload_id)
    .bind(keys::raw("acme", upload_id))
    .bind(upload.multipart_id())
    .execute(bench.env.pool())
    .await
    .unwrap();

    for _ in 0..2 {
        let (is_complete, printed) = erase(&bench.env.settings(), "acme").await;
        assert!(is_complete && printed.contains("nothing is left"), "{printed}");
        assert!(
            printed.contains("0 rows in public.contacts") && printed.contains("0 keys in Redis"),
            "{printed}"
        );
    }
    assert!(upload.write(&vec![b'x'; 5 * 1024 * 1024]).await.is_err(), "its multipart upload is gone");
    assert_eq!(bench.objects("accounts/acme/").await.0, [""; 0]);
    assert_eq!(bench.contacts("acme").await.len(), 0);

    assert_eq!(bench.contacts("acme2").await.len(), 100);
    assert_eq!(other.results(&kept.id, "").await.len(), 100);
    let (_, bytes) = bench.objects("accounts/acme2/").await;
    assert_eq!(bench.stored_bytes("acme2").await, bytes);
    bench.run(&csv(), &Upload::contacts("bulk_create")).await;
}

#[tokio::test]
async fn an_erasure_that_leaves_something_says_so_and_fails() {
    let (bench, proxy) = Bench::behind_proxy(&[]).await;
    bench.run(&csv(), &Upload::contacts("bulk_create")).await;
    let kept = format!("{}{STUCK}", keys::account_prefix("acme"));
    bench.store().put(&kept, Bytes::from_static(b"x")).await.unwrap();
    let mut settings = bench.env.settings();
    settings.insert("MINIO_PORT".to_owned(), proxy.port().to_string());
    proxy.set(Fault::KeepObjects { named: STUCK });
    let (is_complete, printed) = erase(&settings, "acme").await;
    assert!(!is_complete && printed.contains("1 objects") && printed.contains("NOT COMPLETE"), "{printed}");
    assert_eq!(bench.objects("accounts/acme/").await.0, [kept]);

    proxy.set(Fault::None);
    let (is_complete, printed) = erase(&settings, "acme").await;
    assert!(is_complete, "{printed}");
    let (is_complete, printed) = erase(&settings, "../beta").await;
    assert!(!is_complete && printed.contains("an account id is"), "{printed}");
}
