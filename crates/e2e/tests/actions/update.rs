//! `bulk_update`.

use testkit::Upload;

use crate::support::{Bench, file};

#[tokio::test]
async fn records_are_matched_by_key_and_what_a_row_lacks_stays() {
    let bench = Bench::start().await;
    bench.seed("acme", "ada@example.com", "Ada", Some(36)).await;
    bench.seed("acme", "bob@example.com", "Bob", Some(40)).await;

    let done = bench
        .run(
            &file(["ADA@example.com ,Ada Lovelace,", "bob@example.com,,41", "eve@example.com,Eve,1"]),
            &Upload::contacts("bulk_update"),
        )
        .await;
    assert_eq!(done.counts(), (2, 1, 0));
    assert_eq!(done.detail["outcome"], "partial");
    assert_eq!(done.code(3), "not_found");

    // A column that the file lacks.
    bench.run("email,age\nada@example.com,37\n", &Upload::contacts("bulk_update")).await;
    let contacts = bench.contacts("acme").await;
    assert_eq!(contacts.len(), 2, "an update creates nothing");
    let (ada, bob) = (&contacts["ada@example.com"], &contacts["bob@example.com"]);
    assert_eq!((ada.name.as_str(), ada.age), ("Ada Lovelace", Some(37)));
    assert_eq!((bob.name.as_str(), bob.age), ("Bob", Some(41)));
}

#[tokio::test]
async fn records_are_matched_by_id_where_the_row_has_one() {
    let bench = Bench::start().await;
    let ada = bench.seed("acme", "ada@example.com", "Ada", Some(36)).await;
    bench.seed("acme", "bob@example.com", "Bob", None).await;
    let csv = format!(
        "id,email,name\n{ada},countess@example.com,\n,bob@example.com,Robert\n{},,Nobody\n",
        uuid::Uuid::now_v7()
    );
    let done = bench.run(&csv, &Upload::contacts("bulk_update")).await;
    assert_eq!(done.counts(), (2, 1, 0));
    assert_eq!(done.code(3), "not_found");
    let contacts = bench.contacts("acme").await;
    assert_eq!(contacts["countess@example.com"].id, ada, "the key itself can be changed by id");
    assert_eq!(contacts["bob@example.com"].name, "Robert");
}

#[tokio::test]
async fn a_row_that_the_database_refuses_fails_alone() {
    let bench = Bench::with_chunk_size(100).await;
    let mut csv = "id,email\n".to_owned();
    for n in 0..40 {
        let id = bench.seed("acme", &format!("old{n}@example.com"), "A", None).await;
        // The key of a record that stays as it is: refused by the unique constraint.
        let email = if n == 17 { "taken@example.com".to_owned() } else { format!("new{n}@example.com") };
        csv.push_str(&format!("{id},{email}\n"));
    }
    bench.seed("acme", "taken@example.com", "T", None).await;
    let done = bench.run(&csv, &Upload::contacts("bulk_update")).await;
    assert_eq!(done.counts(), (39, 1, 0));
    assert_eq!(done.reason(18), "rejected: another record already has this value (contacts_email_key)");
    assert!(bench.contacts("acme").await.contains_key("old17@example.com"));
}
