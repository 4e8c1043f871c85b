//! `bulk_delete`.

use testkit::Upload;

use crate::support::Bench;

#[tokio::test]
async fn records_are_deleted_by_id_and_by_key() {
    let bench = Bench::start().await;
    let ada = bench.seed("acme", "ada@example.com", "Ada", None).await;
    bench.seed("acme", "bob@example.com", "Bob", None).await;
    bench.seed("acme", "kept@example.com", "Kept", None).await;

    let by_id = bench.run(&format!("id\n{ada}\n"), &Upload::contacts("bulk_delete")).await;
    assert_eq!((by_id.counts(), by_id.code(1)), ((1, 0, 0), "deleted"));
    // A second row for the same record finds nothing.
    let csv = "email,age\nbob@example.com,not-looked-at\nbob@example.com,\nada@example.com,\n";
    let by_key = bench.run(csv, &Upload::contacts("bulk_delete")).await;
    assert_eq!(by_key.counts(), (1, 2, 0));
    assert_eq!((by_key.code(2), by_key.code(3)), ("not_found", "not_found"));
    assert_eq!(bench.contacts("acme").await.into_keys().collect::<Vec<_>>(), ["kept@example.com"]);
}
