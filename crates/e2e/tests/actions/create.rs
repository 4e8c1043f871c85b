//! `bulk_create`.

use testkit::Upload;

use crate::support::{Bench, file};

#[tokio::test]
async fn new_contacts_are_created_and_every_number_agrees() {
    let bench = Bench::with_chunk_size(1000).await;
    let rows: Vec<String> = (1..=5000).map(|n| format!("user{n}@example.com,User {n},{}", n % 100)).collect();
    let done = bench.run(&file(&rows), &Upload::contacts("bulk_create")).await;
    assert_eq!(done.counts(), (5000, 0, 0));
    assert_eq!(done.detail["outcome"], "success");
    assert_eq!(done.stats["completionRate"], 100.0);
    assert_eq!(done.stats["etaSeconds"], 0);

    let contacts = bench.contacts("acme").await;
    assert_eq!(contacts.len(), 5000);
    let contact = &contacts["user42@example.com"];
    assert_eq!((contact.name.as_str(), contact.age), ("User 42", Some(42)));
    let result = &done.results[&42];
    assert_eq!((result["_status"].as_str(), result["_reason"].as_str()), ("success", "created"));
    assert_eq!(result["_id"], contact.id.to_string());
    assert_eq!((result["email"].as_str(), result["age"].as_str()), ("user42@example.com", "42"));
}

#[tokio::test]
async fn a_record_that_exists_is_skipped_failed_or_updated_as_asked() {
    let bench = Bench::start().await;
    let id = bench.seed("acme", "old@example.com", "Old", Some(1)).await;
    let csv = file(["old@example.com,New,2", "fresh@example.com,Fresh,3"]);

    let skip = bench.run(&csv, &Upload::contacts("bulk_create")).await;
    assert_eq!(skip.counts(), (1, 0, 1));
    assert_eq!((skip.code(1), skip.results[&1]["_id"].clone()), ("already_exists", id.to_string()));
    assert_eq!(bench.contacts("acme").await["old@example.com"].name, "Old");

    let error = bench.run(&csv, &Upload::contacts("bulk_create").field("onConflict", "error")).await;
    assert_eq!(error.counts(), (0, 2, 0));
    assert_eq!(error.detail["outcome"], "failure");
    assert_eq!(bench.contacts("acme").await["old@example.com"].name, "Old");

    let update = bench.run(&csv, &Upload::contacts("bulk_create").field("onConflict", "update")).await;
    assert_eq!(update.counts(), (2, 0, 0));
    assert_eq!(update.code(1), "updated");
    let contact = &bench.contacts("acme").await["old@example.com"];
    assert_eq!((contact.id, contact.name.as_str(), contact.age), (id, "New", Some(2)));
}

#[tokio::test]
async fn a_create_that_updates_needs_required_columns_only_for_new_records() {
    let bench = Bench::start().await;
    let id = bench.seed("acme", "old@example.com", "Old", Some(1)).await;
    let update = Upload::contacts("bulk_create").field("onConflict", "update");
    let done = bench.run("email,age\nold@example.com,2\nfresh@example.com,3\n", &update).await;
    assert_eq!((done.code(1), done.code(2)), ("updated", "invalid"));
    assert!(done.reason(2).contains("name is required for a new contact"), "{}", done.reason(2));
    let contacts = bench.contacts("acme").await;
    let old = &contacts["old@example.com"];
    assert_eq!((contacts.len(), old.id, old.name.as_str(), old.age), (1, id, "Old", Some(2)));
}
