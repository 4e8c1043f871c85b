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
        // The key of an unchanged record, refused by the unique constraint.
        let email = if n == 17 { "taken@example.com".to_owned() } else { format!("new{n}@example.com") };
        csv.push_str(&format!("{id},{email}\n"));
    }
    bench.seed("acme", "taken@example.com", "T", None).await;
    let done = bench.run(&csv, &Upload::contacts("bulk_update")).await;
    assert_eq!(done.counts(), (39, 1, 0));
    assert_eq!(done.reason(18), "rejected: another record already has this value");
    assert!(bench.contacts("acme").await.contains_key("old17@example.com"));
}

/// The order in which rows for different records take effect is up to the database (docs/decisions/0004). A key that
/// moves between records may still be taken when its next owner comes, but it is never on two records, and every row
/// has its outcome.
#[tokio::test]
async fn a_key_that_is_handed_on_is_free_or_refused_and_never_on_two_records() {
    let bench = Bench::with_chunk_size(2).await;
    let mut ids = Vec::new();
    for place in 0..20 {
        ids.push(bench.seed("acme", &format!("old{place:02}@example.com"), "Name", None).await);
    }
    // Each record takes the key that the previous record gives up in the previous row.
    let rows: Vec<String> = (0..20)
        .map(|place| {
            let key = if place == 0 {
                "new@example.com".to_owned()
            } else {
                format!("old{:02}@example.com", place - 1)
            };
            format!("{},{key},Handed\n", ids[place])
        })
        .collect();
    let csv = format!("id,email,name\n{}", rows.concat());
    let mut left = 20;
    while left > 0 {
        let done = bench.run(&csv, &Upload::contacts("bulk_update")).await;
        let (updated, refused, _) = done.counts();
        assert_eq!(updated + refused, 20);
        for row in 1..=20 {
            assert!(["updated", "rejected"].contains(&done.code(row)), "{}", done.reason(row));
        }
        assert!(refused < left, "what was refused succeeds once the key is free: {refused} of {left}");
        left = refused;
    }
    let contacts = bench.contacts("acme").await;
    assert_eq!(contacts.len(), 20);
    assert_eq!(contacts["old05@example.com"].id, ids[6]);
    assert_eq!(contacts["new@example.com"].id, ids[0]);
}

/// Two rows that give different records the same key compete for it, in the same or different partitions; one gets it.
#[tokio::test]
async fn of_two_records_that_are_given_one_key_exactly_one_has_it() {
    let bench = Bench::with_chunk_size(2).await;
    let mut csv = "id,email,name\n".to_owned();
    for pair in 0..10 {
        for half in 0..2 {
            let id = bench.seed("acme", &format!("seed{pair}-{half}@example.com"), "Name", None).await;
            csv.push_str(&format!("{id},shared{pair}@example.com,Given\n"));
        }
    }
    let done = bench.run(&csv, &Upload::contacts("bulk_update")).await;
    assert_eq!(done.counts(), (10, 10, 0));
    for pair in 0..10 {
        let codes = std::collections::BTreeSet::from([done.code(2 * pair + 1), done.code(2 * pair + 2)]);
        assert_eq!(codes, ["rejected", "updated"].into());
    }
    assert_eq!(bench.contacts("acme").await.len(), 20);
}
