//! Rows that fail.

use testkit::Upload;

use crate::support::{Bench, file};

#[tokio::test]
async fn bad_rows_fail_alone_each_with_its_code_sentence_and_uploaded_values() {
    let bench = Bench::with_chunk_size(100).await;
    for n in 1..=1000 {
        bench.seed("acme", &format!("user{n}@example.com"), "Before", None).await;
    }
    let mut rows: Vec<String> = (1..=1000).map(|n| format!("user{n}@example.com,User {n},20")).collect();
    rows.insert(10, "not-an-email,\"Bad, E-mail\",20".to_owned());
    rows.insert(300, "user1@example.com,Too Old,999".to_owned());
    rows.insert(600, "user2@example.com,Old,abc".to_owned());
    rows.push("nobody@example.com,Nobody,1".to_owned());
    let done = bench.run(&file(&rows), &Upload::contacts("bulk_update")).await;
    assert_eq!(done.counts(), (1000, 4, 0));
    assert_eq!(done.reason(11), "invalid: email must be a valid e-mail address");
    assert_eq!(done.reason(301), "invalid: age must be between 0 and 150");
    assert_eq!(done.reason(601), "invalid: age must be a whole number");
    assert_eq!(done.reason(1004), "not_found: no contact has this id or key");
    assert_eq!(
        (done.results[&11]["email"].as_str(), done.results[&11]["name"].as_str()),
        ("not-an-email", "Bad, E-mail")
    );
    assert_eq!(done.results[&601]["age"], "abc");

    let only_failed = bench.client().results(&done.id, "status=failed").await;
    assert_eq!(only_failed.len(), 4);
    let logs = bench.client().logs(&done.id, "status=failed").await;
    let entries = logs["data"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    let entry = entries.iter().find(|entry| entry["row"] == 301).unwrap();
    assert_eq!(entry["key"], "user1@example.com");
    assert_eq!((entry["status"].as_str(), entry["code"].as_str()), (Some("failed"), Some("invalid")));
    assert_eq!(entry["message"], "age must be between 0 and 150");
    let contacts = bench.contacts("acme").await;
    assert!(contacts.values().all(|contact| contact.age == Some(20)), "the good rows took effect");
}

#[tokio::test]
async fn rows_of_the_wrong_length_and_with_nul_fail_with_their_line() {
    let bench = Bench::start().await;
    let csv =
        file(["a@example.com,A", "b@example.com,B,1,extra", "c@example.com,C\0,1", "d@example.com,D,1"]);
    let done = bench.run(&csv, &Upload::contacts("bulk_create")).await;
    assert_eq!(done.counts(), (1, 3, 0));
    assert_eq!(done.reason(1), "malformed: line 2 has 2 fields, the header has 3");
    assert_eq!(done.reason(2), "malformed: line 3 has 4 fields, the header has 3");
    assert_eq!(done.reason(3), "invalid: name must not contain a NUL character");
}

#[tokio::test]
async fn the_log_pages_by_cursor_without_losing_or_repeating_a_row() {
    let bench = Bench::start().await;
    let rows: Vec<String> = (0..95).map(|n| format!("user{n}@example.com,User {n},1")).collect();
    let done = bench.run(&file(&rows), &Upload::contacts("bulk_create")).await;
    let mut seen = Vec::new();
    let mut query = "limit=7".to_owned();
    loop {
        let page = bench.client().logs(&done.id, &query).await;
        assert_eq!(page["pagination"]["limit"], 7);
        seen.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["row"].as_u64().unwrap()));
        match page["pagination"]["nextCursor"].as_str() {
            Some(cursor) => query = format!("limit=7&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=95).collect::<Vec<u64>>());
}
