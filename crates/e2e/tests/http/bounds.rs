//! Share of the API that one account, or an unauthenticated client, can occupy; checked by count and order. Times are
//! checked by the load tests.

use serde_json::Value;
use testkit::{Platform, TestEnv, Upload};

use crate::support::{Wire, api, refusal};

/// More than one account may have in progress, but fewer than all places.
const HELD: usize = 20;
const CSV: &str = "email,name\na@example.com,A\n";

/// An upload that has started and does not continue.
async fn hold_upload(platform: &Platform, account: &str) -> Wire {
    let mut wire = Wire::open(platform).await;
    let body = format!(
        "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\ncontent-type: text/csv\r\n\r\n{CSV}"
    );
    wire.send(&format!(
        "POST /bulk-actions HTTP/1.1\r\nhost: localhost\r\naccount-id: {account}\r\ncontent-length: 1000000\r\n\
         content-type: multipart/form-data; boundary=X\r\n\r\n{body}"
    ))
    .await;
    wire
}

#[tokio::test]
async fn uploads_that_are_held_open_leave_room_for_another_account() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let mut held = Vec::new();
    for _ in 0..HELD {
        held.push(hold_upload(&api, "acme").await);
    }
    for account in ["other", "third"] {
        let client = api.client(account);
        let id = client.upload(CSV, &Upload::contacts("bulk_create")).await;
        assert_eq!(client.data(&format!("/bulk-actions/{id}")).await["status"], "queued");
    }
    assert_eq!(api.client("acme").get("/bulk-actions").await.status(), 200, "reads are no uploads");
    drop(held);
    api.client("acme").upload(CSV, &Upload::contacts("bulk_create")).await;
}

#[tokio::test]
async fn a_part_whose_head_never_ends_is_refused() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    for start in ["--X\r\ncontent-disposition: form-data; name=\"", "--X\r\nx-a: ", "--X"] {
        let mut wire = Wire::open(&api).await;
        wire.send(&format!(
            "POST /bulk-actions HTTP/1.1\r\nhost: localhost\r\naccount-id: acme\r\ncontent-length: 1000000000\r\n\
             content-type: multipart/form-data; boundary=X\r\n\r\n{start}{}",
            "x".repeat(10_000)
        ))
        .await;
        let (head, body) = wire.receive().await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(head.starts_with("http/1.1 400"), "{head}");
        assert!(
            body["error"]["details"][0]["message"].as_str().unwrap().contains("head of a part"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn fields_together_have_a_bound() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let upload = (0..6).fold(Upload::contacts("bulk_create"), |upload, n| {
        upload.field(&format!("f{n}"), &"x".repeat(60_000))
    });
    let (status, _, told) = refusal(api.client("acme").create(CSV, &upload).await).await;
    assert!(status == 400 && told.contains("the fields together"), "{told}");
}

#[tokio::test]
async fn with_header_authentication_only_local_names_are_answered() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    for (host, status) in [
        ("localhost", "200"),
        ("127.0.0.1:3000", "200"),
        ("evil.example", "403"),
        ("evil.example:3000", "403"),
    ] {
        let mut wire = Wire::open(&api).await;
        wire.send(&format!("GET /bulk-actions HTTP/1.1\r\nhost: {host}\r\naccount-id: acme\r\n\r\n")).await;
        let (head, _) = wire.receive().await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{host}: {head}");
    }
}

#[tokio::test]
async fn a_file_name_shows_what_it_is_and_keeps_its_language() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let client = api.client("acme");
    let upload = Upload::contacts("bulk_create").file_name("Müller\u{202e}vsc.csv");
    let id = client.upload(CSV, &upload).await;
    let shown = client.data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(shown["file"]["fileName"], "Müllervsc.csv");
    let link = shown["file"]["downloadUrl"].as_str().unwrap();
    let file = crate::support::http().get(link).send().await.unwrap();
    let disposition = file.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.ends_with("filename*=UTF-8''M%C3%BCllervsc.csv"), "{disposition}");
}
