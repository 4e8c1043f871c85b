//! `bulk_upsert`.

use testkit::Upload;

use crate::support::{Bench, file};

#[tokio::test]
async fn records_are_updated_or_created_and_a_new_one_must_be_complete() {
    let bench = Bench::start().await;
    bench.seed("acme", "ada@example.com", "Ada", Some(36)).await;
    let csv = file(["ada@example.com,,37", "bob@example.com,Bob,", "eve@example.com,,5"]);
    let done = bench.run(&csv, &Upload::contacts("bulk_upsert")).await;
    assert_eq!(done.counts(), (2, 1, 0));
    assert_eq!((done.code(1), done.code(2)), ("updated", "created"));
    assert_eq!(done.reason(3), "invalid: name is required for a new contact");
    let contacts = bench.contacts("acme").await;
    assert_eq!(
        (contacts["ada@example.com"].name.as_str(), contacts["ada@example.com"].age),
        ("Ada", Some(37))
    );
    assert_eq!(contacts.len(), 2);
}

#[tokio::test]
async fn an_id_that_is_not_the_records_fails_its_row_and_changes_nothing() {
    let bench = Bench::start().await;
    let id = bench.seed("acme", "ada@example.com", "Ada", Some(36)).await;
    let csv = format!(
        "id,email,name\n{},ada@example.com,Other\n{id},ada@example.com,Countess\n,ada@example.com,Lovelace\n",
        uuid::Uuid::now_v7()
    );
    let done = bench.run(&csv, &Upload::contacts("bulk_upsert")).await;
    assert_eq!((done.code(1), done.code(2), done.code(3)), ("invalid", "updated", "updated"));
    assert!(done.reason(1).contains("id is not that of the contact with this email"), "{}", done.reason(1));
    let contact = &bench.contacts("acme").await["ada@example.com"];
    assert_eq!((contact.id, contact.name.as_str()), (id, "Lovelace"));
}
