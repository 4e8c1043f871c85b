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
