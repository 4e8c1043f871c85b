//! `dryRun`.

use testkit::Upload;

use crate::support::{Bench, file};

#[tokio::test]
async fn a_dry_run_reports_every_row_and_changes_nothing() {
    let bench = Bench::start().await;
    bench.seed("acme", "ada@example.com", "Ada", Some(36)).await;
    let csv = file(["ada@example.com,Changed,1", "nobody@example.com,N,1", "broken,B,1"]);
    let done = bench.run(&csv, &Upload::contacts("bulk_update").field("dryRun", "true")).await;
    assert_eq!(done.counts(), (1, 2, 0));
    assert_eq!((done.code(1), done.code(2), done.code(3)), ("valid", "not_found", "invalid"));
    assert_eq!(bench.contacts("acme").await["ada@example.com"].name, "Ada");
    let created = bench
        .run(&file(["new@example.com,N,1"]), &Upload::contacts("bulk_create").field("dryRun", "true"))
        .await;
    assert_eq!((created.code(1), created.results[&1]["_id"].as_str()), ("valid", ""));
    assert_eq!(bench.contacts("acme").await.len(), 1);
}
