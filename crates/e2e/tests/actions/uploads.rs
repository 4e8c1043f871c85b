//! Rejected uploads, which leave nothing behind.

use std::time::Instant;

use bulk_core::config::{Config, Settings};
use bulk_core::storage::ObjectStore;
use serde_json::Value;
use testkit::Upload;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Bench, DEADLINE, file, run};

/// Uploads a file, which must be rejected, and returns status, code and messages.
pub(crate) async fn refused(
    bench: &Bench,
    csv: impl Into<Vec<u8>>,
    upload: &Upload,
) -> (u16, String, String) {
    let answer = bench.client().create(csv, upload).await;
    let status = answer.status().as_u16();
    assert!(answer.headers().contains_key("x-trace-id"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["success"], false, "{body}");
    let code = body["error"]["code"].as_str().unwrap().to_owned();
    (status, code, body["error"]["details"].to_string() + body["message"].as_str().unwrap())
}

/// Waits until neither database nor object storage holds anything.
pub(crate) async fn nothing_is_left(bench: &Bench) {
    let config = Config::from_settings(&Settings::from_iter(bench.env.settings())).unwrap();
    let store = ObjectStore::new(&config.storage);
    let end = Instant::now() + DEADLINE;
    loop {
        let rows: i64 =
            sqlx::query_scalar("SELECT (SELECT count(*) FROM uploads) + (SELECT count(*) FROM bulk_actions)")
                .fetch_one(bench.env.pool())
                .await
                .unwrap();
        if rows == 0 {
            break;
        }
        assert!(Instant::now() < end, "{rows} rows are left");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(store.list("accounts/", None).await.unwrap(), [""; 0], "objects are left");
}

#[tokio::test]
async fn a_file_that_cannot_be_processed_is_refused_with_its_reason_and_leaves_nothing() {
    let bench = Bench::start().await;
    let create = Upload::contacts("bulk_create");
    let cases: &[(&[u8], &str)] = &[
        (b"", "the file is empty"),
        (b"email,name\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "a picture"),
        (b"email,name\na@example.com,\xff\xfe\n", "line 2 is not valid"),
        (b"emial,name\na@example.com,A\n", "did you mean `email`"),
        (b"email,name,email\na@example.com,A,b\n", "email"),
        (b"email,shoeSize\na@example.com,A\n", "shoeSize"),
        (b"name,age\nA,1\n", "`email`"),
        (b"email,\"name\na@example.com,A\n", "quotes"),
    ];
    for (csv, reason) in cases {
        let (status, code, told) = refused(&bench, csv.to_vec(), &create).await;
        assert_eq!((status, code.as_str()), (400, "validation_failed"), "{told}");
        assert!(told.contains(reason), "{told} should say {reason}");
    }
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn bad_fields_are_all_named_at_once() {
    let bench = Bench::start().await;
    let upload =
        Upload::new("unicorn", "bulk_dance").field("deduplicate", "maybe").field("onConflict", "shrug");
    let (status, code, told) = refused(&bench, file(["a@example.com,A,1"]), &upload).await;
    assert_eq!((status, code.as_str()), (400, "validation_failed"));
    for field in ["entityType", "actionType", "deduplicate", "onConflict"] {
        assert!(told.contains(field), "{told} should name {field}");
    }
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn a_client_that_disconnects_half_way_leaves_nothing() {
    let bench = Bench::start().await;
    let address = bench.platform.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /bulk-actions HTTP/1.1\r\nhost: {address}\r\naccount-id: acme\r\ncontent-length: 90000000\r\n\
         content-type: multipart/form-data; boundary=X\r\n\r\n--X\r\ncontent-disposition: form-data; \
         name=\"file\"; filename=\"a.csv\"\r\ncontent-type: text/csv\r\n\r\nemail,name\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // More than one part of a multipart upload, so that there is something to remove.
    for n in 0..200_000 {
        connection
            .write_all(format!("user{n}@example.com,A name that takes some room {n}\n").as_bytes())
            .await
            .unwrap();
    }
    let begun = bench.env.pool();
    let end = Instant::now() + DEADLINE;
    loop {
        let parts: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads WHERE multipart_id IS NOT NULL")
            .fetch_one(begun)
            .await
            .unwrap();
        if parts == 1 {
            break;
        }
        assert!(Instant::now() < end, "the upload has stored no part");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    drop(connection);
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn dialects_and_encodings_are_understood() {
    let bench = Bench::start().await;
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain("Email;NAME\r\nutf16@example.com;Zoë\r\n".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let files: &[(&[u8], &str, &str)] = &[
        (b"\xef\xbb\xbfemail,name\nbom@example.com,B", "bom@example.com", "B"),
        (b" Email ;Name\r\nsemi@example.com;\"S; M\"\r\n\r\n", "semi@example.com", "S; M"),
        (b"name\temail\nT\ttab@example.com\n", "tab@example.com", "T"),
        (&utf16, "utf16@example.com", "Zo\u{eb}"),
    ];
    for (csv, email, name) in files {
        let id = bench.client().upload(csv.to_vec(), &Upload::contacts("bulk_create")).await;
        let done = bench.client().wait_finished(&id, DEADLINE).await;
        assert_eq!(done["progress"]["successfulRecords"], 1, "{done:#}");
        assert_eq!(bench.contacts("acme").await[*email].name, *name);
    }
}

#[tokio::test]
async fn a_mapping_renames_columns() {
    let bench = Bench::start().await;
    let upload =
        Upload::contacts("bulk_create").field("mapping", r#"{"E-Mail Address":"email","Full Name":"name"}"#);
    let done = bench.run("E-Mail Address,Full Name\nada@example.com,Ada\n", &upload).await;
    assert_eq!(done.counts(), (1, 0, 0));
    assert_eq!(done.results[&1]["E-Mail Address"], "ada@example.com", "results keep the uploaded header");
}

#[tokio::test]
async fn actions_are_listed_newest_first_in_pages() {
    let bench = Bench::start().await;
    let client = bench.client();
    let mut ids = Vec::new();
    for n in 0..5 {
        let csv = file([format!("user{n}@example.com,User,1")]);
        ids.push(run(&client, &csv, &Upload::contacts("bulk_create")).await.id);
    }
    ids.reverse();
    let answer: Value = client.get("/bulk-actions?limit=2&page=2").await.json().await.unwrap();
    let listed: Vec<_> =
        answer["data"].as_array().unwrap().iter().map(|action| action["id"].clone()).collect();
    assert_eq!(listed, ids[2..4]);
    let pagination = &answer["pagination"];
    assert_eq!((pagination["total"].as_u64(), pagination["totalPages"].as_u64()), (Some(5), Some(3)));
    assert_eq!((pagination["hasNext"].as_bool(), pagination["hasPrev"].as_bool()), (Some(true), Some(true)));
    let none = client.data("/bulk-actions?status=paused").await;
    assert_eq!(none.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_scheduled_action_starts_when_its_time_has_come() {
    let bench = Bench::start().await;
    let client = bench.client();
    let at: String = sqlx::query_scalar(
        "SELECT to_char((now() + interval '2 seconds') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    )
    .fetch_one(bench.env.pool())
    .await
    .unwrap();
    let upload = Upload::contacts("bulk_create").field("scheduledAt", &at);
    let id = client.upload(file(["later@example.com,Later,1"]), &upload).await;
    let waiting = client.data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(waiting["status"], "scheduled");
    let done = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(done["status"], "completed");
    assert!(done["startedAt"].as_str().unwrap() >= at.as_str(), "not before its time");
}
