//! The documented CSV rules, one by one, and the oddities of files written by real programs.

use serde_json::Value;
use testkit::{Client, TestEnv, Upload};

use crate::support::{DEADLINE, api, nothing_is_left, platform, refusal};

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
}

/// Uploads a file, waits, and returns `email name` of each contact; the contacts are then removed.
async fn records(env: &TestEnv, client: &Client, csv: &[u8]) -> Vec<(String, String)> {
    let id = client.upload(csv, &Upload::contacts("bulk_create")).await;
    let done = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(done["outcome"], "success", "{}: {done:#}", String::from_utf8_lossy(csv));
    sqlx::query_as(
        "WITH gone AS (DELETE FROM contacts RETURNING email, name) SELECT * FROM gone ORDER BY email",
    )
    .fetch_all(env.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn every_dialect_gives_the_same_records() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let client = platform.client("acme");
    let plain = "email,name\na@example.com,Zo\u{eb}\nb@example.com,B\n";
    let files: Vec<Vec<u8>> = vec![
        plain.into(),
        plain.trim_end().into(),
        plain.replace('\n', "\r\n").into(),
        plain.replace('\n', "\r\n").trim_end().into(),
        plain.replace('\n', "\n\n\r\n").into(),
        format!("\n\r\n{plain}\n\n").into(),
        plain.replace(',', ";").into(),
        plain.replace(',', "\t").into(),
        format!("\u{feff}{plain}").into(),
        format!("sep=;\r\n{}", plain.replace(',', ";")).into(),
        format!("\u{feff}sep=,\n{plain}").into(),
        utf16(plain, u16::to_le_bytes),
        utf16(&plain.replace(',', "\t").replace('\n', "\r\n"), u16::to_be_bytes),
        "\"email\",\"name\"\n\"a@example.com\",\"Zo\u{eb}\"\n\"b@example.com\",\"B\"".into(),
        " EMAIL ,\"Name \"\n A@Example.com ,Zo\u{eb}\nb@EXAMPLE.com,B\n".into(),
        "name,age,email,id\nZo\u{eb},,a@example.com,\nB,,b@example.com,\n".into(),
    ];
    let expected =
        [("a@example.com", "Zo\u{eb}"), ("b@example.com", "B")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    for file in files {
        assert_eq!(records(&env, &client, &file).await, expected, "{}", String::from_utf8_lossy(&file));
    }
}

#[tokio::test]
async fn quoted_fields_keep_what_is_in_them() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let client = platform.client("acme");
    for (field, value) in [
        ("\"a, b; c\td\"", "a, b; c\td"),
        ("\"say \"\"hello\"\"\"", "say \"hello\""),
        ("\"two\nlines\"", "two\nlines"),
        ("\"two\r\nlines\"", "two\r\nlines"),
        ("5\" pipe", "5\" pipe"),
        ("O'Brien", "O'Brien"),
        ("\"\"\"\"", "\""),
        ("back\\slash", "back\\slash"),
    ] {
        let csv = format!("email,name\na@example.com,{field}\n");
        assert_eq!(
            records(&env, &client, csv.as_bytes()).await,
            [("a@example.com".to_owned(), value.to_owned())]
        );
    }
}

#[tokio::test]
async fn a_row_of_another_length_fails_alone_with_its_line() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let client = platform.client("acme");
    let csv = "email,name\n\na@example.com,A\nb@example.com\nc@example.com,C,too,many\n\"d@example.com\",\"two\nlines\"\n\
               e@example.com,E,\nf@example.com,F\n";
    let id = client.upload(csv, &Upload::contacts("bulk_create")).await;
    client.wait_finished(&id, DEADLINE).await;
    let rows = client.results(&id, "").await;
    let outcomes: Vec<_> = rows.iter().map(|row| (row["_row"].as_str(), row["_reason"].as_str())).collect();
    let malformed = |line, fields| format!("malformed: line {line} has {fields} fields, the header has 2");
    let (second, third) = (malformed(4, 1).replace("1 fields", "1 field"), malformed(5, 4));
    let expected = [
        ("1", "created"),
        ("2", &second),
        ("3", &third),
        ("4", "created"),
        ("5", "created"),
        ("6", "created"),
    ];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_with_the_line_and_what_would_be_right() {
    let env = TestEnv::new().await;
    let api = api(&env, &[("MAX_CSV_ROWS", "50"), ("MAX_FILE_SIZE_MB", "1")]).await;
    let client = api.client("acme");
    let columns: String = (0..5000).map(|n| format!("column{n},")).collect();
    let long = "x".repeat(300_000);
    let rows: String = (0..51).map(|n| format!("u{n}@example.com,U\n")).collect();
    let bytes: String = (0..40).map(|_| format!("u@example.com,{}\n", "x".repeat(30_000))).collect();
    let mut utf16_cut = utf16("email,name\r\na@example.com,A", u16::to_le_bytes);
    utf16_cut.pop();
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (b"".to_vec(), 400, "the file is empty"),
        (b"\xef\xbb\xbf".to_vec(), 400, "the file is empty"),
        (b"\n\r\n\n".to_vec(), 400, "the file is empty"),
        (b"sep=;\r\n".to_vec(), 400, "the file is empty"),
        (b"email,name".to_vec(), 400, "a header but no rows"),
        (b"email,name\r\n\r\n".to_vec(), 400, "a header but no rows"),
        (
            b"email,name,EMAIL\na@example.com,A,b\n".to_vec(),
            400,
            "the column `EMAIL` appears as column 1 and as column 3",
        ),
        (b"emial,name\na@example.com,A\n".to_vec(), 400, "unknown column `emial`: did you mean `email`?"),
        (b"email,street\na@example.com,A\n".to_vec(), 400, "unknown column `street`: the columns are"),
        (b"email,name,\na@example.com,A,x\n".to_vec(), 400, "column 3 has values but no name"),
        (b"sep=:\nemail:name\na@example.com:A\n".to_vec(), 400, "line 1 says that the columns are separated"),
        (b"\"email,name\"\n\"a@example.com,A\"\n".to_vec(), 400, "the header line is one column"),
        (b"a@example.com,A\nb@example.com,B\n".to_vec(), 400, "the first line holds values"),
        (b"name,age\nA,1\n".to_vec(), 400, "`email`"),
        (
            b"email,name\na@example.com,A\nb@example.com,M\xfcller\n".to_vec(),
            400,
            "line 3 is not valid UTF-8; the file looks like windows-1252",
        ),
        (b"email,name\na@example.com,\"A\nb\xff\"\n".to_vec(), 400, "line 3 is not valid UTF-8"),
        (b"em\0ail,name\na@example.com,A\n".to_vec(), 400, "line 1 is not valid text"),
        (utf16("email,name\r\n", u16::to_le_bytes)[2..].to_vec(), 400, "send it with encoding=utf-16le"),
        (utf16_cut, 400, "line 2 is not valid text"),
        (
            b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00".to_vec(),
            400,
            "the workbook is damaged or incomplete",
        ),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), 400, "PDF document"),
        (b"<html><body>Sign in</body></html>\n<p>\n".to_vec(), 400, "web page"),
        (b"{\"email\": \"a@example.com\"}\n{}\n".to_vec(), 400, "the file is JSON"),
        (b"email,\"name\na@example.com,A\n".to_vec(), 400, "in the header on line 1 the quotes of column 2"),
        (format!("{columns}email\n1\n").into(), 400, "more problems of this kind: is this the right file?"),
        (format!("email,{long}\na@example.com,A\n").into(), 400, "line 1 is longer than 262144 bytes"),
        (format!("email,name\n{rows}").into(), 413, "more than 50 rows"),
        (format!("email,name\n{bytes}").into(), 413, "larger than 1048576 bytes"),
    ];
    for (csv, status, reason) in cases {
        let (found, code, told) = refusal(client.create(csv, &Upload::contacts("bulk_create")).await).await;
        assert_eq!(found, status, "{reason}: {told}");
        let expected = if status == 400 { "validation_failed" } else { "too_many_rows file_too_large" };
        assert!(expected.contains(&code), "{reason}: {code}");
        assert!(told.contains(reason), "{told} should say {reason}");
    }
    nothing_is_left(&env).await;
}

/// Fields read by client collections of the original system.
#[tokio::test]
async fn answers_have_the_fields_that_clients_of_the_original_read() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let client = platform.client("acme");
    let has = |value: &Value, fields: &str| {
        for field in fields.split(' ') {
            assert!(value.get(field).is_some(), "{field} is missing in {value:#}");
        }
    };
    let answer = client.create("email,name\na@example.com,A\n", &Upload::contacts("bulk_create")).await;
    let created: Value = answer.json().await.unwrap();
    has(&created, "success message data timestamp traceId");
    has(&created["data"], "id status totalEntities scheduledAt createdAt file processing");
    has(&created["data"]["file"], "fileName filePath fileSize etag uploadedAt");
    has(&created["data"]["processing"], "message jobId");
    let id = created["data"]["id"].as_str().unwrap();
    client.wait_finished(id, DEADLINE).await;
    let shown = client.data(&format!("/bulk-actions/{id}")).await;
    has(&shown, "id status outcome entityType actionType progress file");
    assert!(shown["file"]["downloadUrl"].as_str().unwrap().contains("X-Amz-Expires=3600"));
    let stats = "id actionId totalRecords successfulRecords failedRecords skippedRecords processedRecords successRate \
                 failureRate skipRate completionRate rowsPerSecond etaSeconds createdAt updatedAt";
    has(&client.stats(id).await, stats);
    let logs = client.logs(id, "limit=1").await;
    has(&logs["data"][0], "row key status code message");
    has(&logs["pagination"], "limit nextCursor");
    let listed: Value = client.get("/bulk-actions?page=1&limit=5").await.json().await.unwrap();
    has(&listed["pagination"], "page limit total totalPages hasNext hasPrev");
    let health: Value = client.get("/health").await.json().await.unwrap();
    has(&health, "status timestamp version services");
    has(&health["services"], "database redis minio");
    let detailed: Value = client.get("/health/detailed").await.json().await.unwrap();
    has(&detailed["checks"], "database redis minio memory uptime");
    for dependency in ["database", "redis", "minio"] {
        has(&detailed["checks"][dependency], "healthy responseTime");
    }
    assert_eq!(detailed["checks"]["minio"]["bucketExists"], true);
    let root: Value = client.get("/").await.json().await.unwrap();
    has(&root["data"], "name version environment endpoints");
    let link = shown["file"]["downloadUrl"].as_str().unwrap();
    let file = crate::support::http().get(link).send().await.unwrap();
    assert_eq!(file.text().await.unwrap(), "email,name\na@example.com,A\n");
}
