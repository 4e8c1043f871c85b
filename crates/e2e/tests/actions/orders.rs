//! Orders: every action type, and each rule at its boundary.

use std::collections::BTreeMap;

use sqlx::Row;
use testkit::Upload;

use crate::support::{Bench, DEADLINE};

const HEADER: &str = "orderNumber,contactEmail,status,amount,currency,orderedAt\n";

fn upload(action_type: &str) -> Upload {
    Upload::new("order", action_type)
}

/// An account's orders by number, with amounts and instants as written by the database.
async fn orders(bench: &Bench) -> BTreeMap<String, String> {
    let sql = "SELECT order_number, concat_ws('|', contact_email, status, amount::text, currency,
                   to_char(ordered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')) AS rest
               FROM orders WHERE account_id = 'acme'";
    let rows = sqlx::query(sql).fetch_all(bench.env.pool()).await.unwrap();
    rows.into_iter().map(|row| (row.get("order_number"), row.get("rest"))).collect()
}

#[tokio::test]
async fn orders_are_created_updated_upserted_and_deleted() {
    let bench = Bench::start().await;
    let csv = format!(
        "{HEADER}2026-1, Ada@Example.com ,pending,37.5,EUR,2026-01-31T12:00:00.123456+05:30\n\
         2026-2,bob@example.com,paid,0.0001,CLF,2024-02-29T23:59:59Z\n"
    );
    let created = bench.run(&csv, &upload("bulk_create")).await;
    assert_eq!(created.counts(), (2, 0, 0));
    let stored = orders(&bench).await;
    assert_eq!(stored["2026-1"], "ada@example.com|pending|37.5000|EUR|2026-01-31 06:30:00.123456");
    assert_eq!(stored["2026-2"], "bob@example.com|paid|0.0001|CLF|2024-02-29 23:59:59.000000");

    let updated = bench.run("orderNumber,status\n2026-1,paid\n2026-9,paid\n", &upload("bulk_update")).await;
    assert_eq!((updated.counts(), updated.code(2)), ((1, 1, 0), "not_found"));
    assert_eq!(
        orders(&bench).await["2026-1"],
        "ada@example.com|paid|37.5000|EUR|2026-01-31 06:30:00.123456",
        "what the file lacks stays"
    );

    let id = &created.results[&2]["_id"];
    let csv = format!("id,orderNumber,orderedAt\n{id},2026-2b,2025-01-01T00:00:00Z\n");
    assert_eq!(bench.run(&csv, &upload("bulk_update")).await.counts(), (1, 0, 0));
    assert_eq!(orders(&bench).await["2026-2b"], "bob@example.com|paid|0.0001|CLF|2025-01-01 00:00:00.000000");

    let csv = format!(
        "{HEADER}2026-1,,shipped,,,\n2026-3,eve@example.com,paid,1,EUR,2026-01-31T12:00:00Z\n2026-4,eve@example.com,,1,EUR,\n"
    );
    let upserted = bench.run(&csv, &upload("bulk_upsert")).await;
    assert_eq!((upserted.counts(), upserted.code(1), upserted.code(2)), ((2, 1, 0), "updated", "created"));
    assert_eq!(upserted.reason(3), "invalid: status is required for a new order");

    let csv = "orderNumber,amount\n2026-1,not looked at\n2026-1,\n";
    let deleted = bench.run(csv, &upload("bulk_delete")).await;
    assert_eq!((deleted.counts(), deleted.code(2)), ((1, 1, 0), "not_found"));
    assert_eq!(bench.run(&format!("id\n{id}\n"), &upload("bulk_delete")).await.counts(), (1, 0, 0));
    assert_eq!(orders(&bench).await.into_keys().collect::<Vec<_>>(), ["2026-3"]);
}

#[tokio::test]
async fn each_rule_of_an_order_holds_at_its_boundary() {
    let bench = Bench::with_chunk_size(100).await;
    let number = "n".repeat(64);
    let at = "2026-01-31T12:00:00Z";
    let good = [
        format!("{number},a@example.com,pending,1,EUR,{at}"),
        format!("a,a@example.com,shipped,0.0000,EUR,{at}"),
        format!("b,a@example.com, delivered ,999999999999999.9999,BGN,{at}"),
        "e,A <A@Example.com>,Paid,1,eur,2026-01-31 13:00 +0100".to_owned(),
        "c,a@example.com,cancelled,1,EUR, 2026-01-31T12:00:00.123456000-00:00 ".to_owned(),
    ];
    let instant = "invalid: orderedAt must be a date and time such as 2025-05-01 10:00 +02:00, with the year first: day and \
                   month could be confused otherwise";
    let no_offset = "invalid: orderedAt must say its offset, as 2025-05-01 10:00 +02:00 does; or send `timezone`, such as \
                     Europe/Berlin, for all dates and times without one";
    let bad = [
        (
            format!("n{number},a@example.com,paid,1,EUR,{at}"),
            "invalid: orderNumber must have 1 to 64 characters",
        ),
        (format!(",a@example.com,paid,1,EUR,{at}"), "invalid: orderNumber is required"),
        (format!("d,nobody,paid,1,EUR,{at}"), "invalid: contactEmail must be a valid e-mail address"),
        (format!("d,,paid,1,EUR,{at}"), "invalid: contactEmail is required"),
        (
            format!("d,a@example.com,payed,1,EUR,{at}"),
            "invalid: status must be one of pending, paid, shipped, delivered, cancelled",
        ),
        (format!("d,a@example.com,,1,EUR,{at}"), "invalid: status is required"),
        (format!("d,a@example.com,paid,,EUR,{at}"), "invalid: amount is required"),
        (format!("d,a@example.com,paid,-1,EUR,{at}"), "invalid: amount must be 0 or more"),
        (
            format!("d,a@example.com,paid,0.00001,EUR,{at}"),
            "invalid: amount must have at most 4 digits after the point",
        ),
        (format!("d,a@example.com,paid,1,,{at}"), "invalid: currency is required"),
        (
            format!("d,a@example.com,paid,1,EURO,{at}"),
            "invalid: currency must be the three letters of a currency, such as EUR",
        ),
        ("d,a@example.com,paid,1,EUR,".to_owned(), "invalid: orderedAt is required"),
        ("d,a@example.com,paid,1,EUR,31.01.2026".to_owned(), instant),
        ("d,a@example.com,paid,1,EUR,2026-01-31T12:00:00".to_owned(), no_offset),
        (
            "d,a@example.com,paid,1,EUR,2026-02-29T12:00:00Z".to_owned(),
            "invalid: orderedAt is a day that no calendar has",
        ),
        (
            "d,a@example.com,paid,1,EUR,2026-01-31T12:00:00.1234567Z".to_owned(),
            "invalid: orderedAt must have at most 6 digits of a second",
        ),
    ];
    let rows = good.iter().chain(bad.iter().map(|(row, _)| row)).cloned().collect::<Vec<_>>().join("\n");
    let done = bench.run(&format!("{HEADER}{rows}"), &upload("bulk_create")).await;
    for (row, (cells, reason)) in (good.len() as u64 + 1..).zip(&bad) {
        assert_eq!(done.reason(row), *reason, "{cells}");
    }
    assert_eq!(done.counts(), (good.len() as u64, bad.len() as u64, 0));
    let stored = orders(&bench).await;
    assert_eq!(stored["b"], "a@example.com|delivered|999999999999999.9999|BGN|2026-01-31 12:00:00.000000");
    assert_eq!(stored["e"], "a@example.com|paid|1.0000|EUR|2026-01-31 12:00:00.000000");
    assert_eq!(stored["c"], "a@example.com|cancelled|1.0000|EUR|2026-01-31 12:00:00.123456");
}

#[tokio::test]
async fn results_hold_the_uploaded_bytes_and_a_dry_run_changes_nothing() {
    let bench = Bench::start().await;
    let csv = format!(
        "{HEADER}1,A@Example.com,paid,1.10000,EUR,2026-01-31T12:00:00+01:00\n2,a@example.com,lost,1,EUR,2026-01-31T12:00:00Z\n\
         1,a@example.com,paid,2,EUR,2026-01-31T12:00:00Z\n"
    );
    let upload = upload("bulk_upsert").field("deduplicate", "true").field("dryRun", "true");
    let id = bench.client().upload(csv, &upload).await;
    bench.client().wait_finished(&id, DEADLINE).await;
    let text = bench.client().get(&format!("/bulk-actions/{id}/results")).await.text().await.unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "1,success,valid,,1,A@Example.com,paid,1.10000,EUR,2026-01-31T12:00:00+01:00",
            "2,failed,\"invalid: status must be one of pending, paid, shipped, delivered, cancelled\",,2,a@example.com,lost,1,EUR,\
             2026-01-31T12:00:00Z",
            "3,skipped,duplicate: an earlier row of this file has the same key,,1,a@example.com,paid,2,EUR,2026-01-31T12:00:00Z",
            "_row,_status,_reason,_id,orderNumber,contactEmail,status,amount,currency,orderedAt",
        ]
    );
    assert!(orders(&bench).await.is_empty());
}

#[tokio::test]
async fn an_order_that_exists_is_skipped_failed_or_updated_as_asked() {
    let bench = Bench::start().await;
    let row =
        |number: &str, status: &str| format!("{number},a@example.com,{status},1,EUR,2026-01-31T12:00:00Z\n");
    bench.run(&format!("{HEADER}{}", row("A", "pending")), &upload("bulk_create")).await;
    let csv = format!("{HEADER}{}{}", row("A", "paid"), row("B", "paid"));
    let asked = |choice: &str| upload("bulk_create").field("onConflict", choice);
    let skip = bench.run(&csv, &asked("skip")).await;
    assert_eq!((skip.counts(), skip.code(1)), ((1, 0, 1), "already_exists"));
    let error = bench.run(&csv, &asked("error")).await;
    assert_eq!((error.counts(), error.code(2)), ((0, 2, 0), "already_exists"));
    assert!(orders(&bench).await["A"].contains("|pending|"));
    let update = bench.run(&csv, &asked("update")).await;
    assert_eq!(update.counts(), (2, 0, 0));
    assert!(orders(&bench).await["A"].contains("|paid|"));
}
