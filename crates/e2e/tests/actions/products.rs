//! Products: every action type, and each rule at its boundary.

use std::collections::BTreeMap;

use sqlx::Row;
use testkit::Upload;

use crate::support::{Bench, DEADLINE};

const HEADER: &str = "sku,name,price,currency,stock\n";

fn upload(action_type: &str) -> Upload {
    Upload::new("product", action_type)
}

/// An account's products by SKU, with numbers as written by the database.
async fn products(bench: &Bench) -> BTreeMap<String, String> {
    let sql =
        "SELECT sku, concat_ws('|', name, price::text, currency, coalesce(stock::text, 'unknown')) AS rest
               FROM products WHERE account_id = 'acme'";
    let rows = sqlx::query(sql).fetch_all(bench.env.pool()).await.unwrap();
    rows.into_iter().map(|row| (row.get("sku"), row.get("rest"))).collect()
}

#[tokio::test]
async fn products_are_created_updated_upserted_and_deleted() {
    let bench = Bench::start().await;
    let csv = format!(
        "{HEADER} TEA-1 ,Tea,12.5,EUR, 40 \nMUG-1,Mug,0,USD,\ntea-1,Other tea,999999999999999.99,JPY,0\n"
    );
    let created = bench.run(&csv, &upload("bulk_create")).await;
    assert_eq!(created.counts(), (3, 0, 0));
    assert_eq!(
        products(&bench).await,
        BTreeMap::from(
            [
                ("TEA-1", "Tea|12.50|EUR|40"),
                ("MUG-1", "Mug|0.00|USD|unknown"),
                ("tea-1", "Other tea|999999999999999.99|JPY|0")
            ]
            .map(|(sku, rest)| (sku.to_owned(), rest.to_owned()))
        ),
        "keys are trimmed, and told apart by case"
    );

    let updated = bench.run("sku,price\nTEA-1,13.00\nNONE,1\n", &upload("bulk_update")).await;
    assert_eq!((updated.counts(), updated.code(2)), ((1, 1, 0), "not_found"));
    assert_eq!(products(&bench).await["TEA-1"], "Tea|13.00|EUR|40", "what the file lacks stays");

    let id = &created.results[&2]["_id"];
    let by_id = bench.run(&format!("id,sku,stock\n{id},CUP-1,7\n"), &upload("bulk_update")).await;
    assert_eq!(by_id.counts(), (1, 0, 0));
    assert_eq!(products(&bench).await["CUP-1"], "Mug|0.00|USD|7");

    let csv = format!("{HEADER}TEA-1,,,CHF,\nNEW-1,New,1.10,EUR,1\nNEW-2,Lacks a price,,EUR,1\n");
    let upserted = bench.run(&csv, &upload("bulk_upsert")).await;
    assert_eq!((upserted.counts(), upserted.code(1), upserted.code(2)), ((2, 1, 0), "updated", "created"));
    assert_eq!(upserted.reason(3), "invalid: price is required for a new product");
    assert_eq!(products(&bench).await["TEA-1"], "Tea|13.00|CHF|40");

    let deleted = bench.run("sku,price\nTEA-1,not looked at\ntea-1,\nTEA-1,\n", &upload("bulk_delete")).await;
    assert_eq!((deleted.counts(), deleted.code(3)), ((2, 1, 0), "not_found"));
    let deleted = bench.run(&format!("id\n{id}\n"), &upload("bulk_delete")).await;
    assert_eq!(deleted.counts(), (1, 0, 0));
    assert_eq!(products(&bench).await.into_keys().collect::<Vec<_>>(), ["NEW-1"]);
}

#[tokio::test]
async fn each_rule_of_a_product_holds_at_its_boundary() {
    let bench = Bench::with_chunk_size(100).await;
    let (sku, name) = ("s".repeat(64), "n".repeat(255));
    let good = [
        format!("{sku},A,1,EUR,1"),
        format!("a,{name},1,EUR,1"),
        "b,B,0.00,EUR,0".to_owned(),
        "c,C,-0,EUR,2147483647".to_owned(),
        "d,D, 12 ,XCG,1".to_owned(),
        "e,E,1.500,EUR,1".to_owned(),
        "f,F,007.5,EUR,007".to_owned(),
        "h,H,\"+1,000.00\",eur,+5.0".to_owned(),
    ];
    let no_decimal = "invalid: price must be a number such as 1234.5, without thousands separators";
    let no_currency = "invalid: currency must be the three letters of a currency, such as EUR";
    let bad = [
        (format!("s{sku},A,1,EUR,1"), "invalid: sku must have 1 to 64 characters"),
        (" ,A,1,EUR,1".to_owned(), "invalid: sku is required"),
        (format!("g,n{name},1,EUR,1"), "invalid: name must have 1 to 255 characters"),
        ("g,,1,EUR,1".to_owned(), "invalid: name is required"),
        ("g,G,,EUR,1".to_owned(), "invalid: price is required"),
        ("g,G,1,,1".to_owned(), "invalid: currency is required"),
        ("g,G,-0.01,EUR,1".to_owned(), "invalid: price must be 0 or more"),
        ("g,G,0.001,EUR,1".to_owned(), "invalid: price must have at most 2 digits after the point"),
        (
            "g,G,1000000000000000,EUR,1".to_owned(),
            "invalid: price must have at most 15 digits before the point",
        ),
        (
            "g,G,1e3,EUR,1".to_owned(),
            "invalid: price must be written out in full: a spreadsheet has shortened it, so format the column as a \
             number and export it again",
        ),
        (
            "g,G,\"1,000\",EUR,1".to_owned(),
            "invalid: price must be a number such as 1234.5, without thousands separators (where a comma marks the \
             decimals, send `decimal` = `comma`)",
        ),
        ("g,G,٣,EUR,1".to_owned(), no_decimal),
        ("g,G,1,ZZZ,1".to_owned(), no_currency),
        ("g,G,1,EUR,-1".to_owned(), "invalid: stock must be between 0 and 2147483647"),
        ("g,G,1,EUR,1.5".to_owned(), "invalid: stock must be a whole number, without decimals"),
        ("g,G,1,EUR,five".to_owned(), "invalid: stock must be a whole number"),
        ("g,G,1,EUR,2147483648".to_owned(), "invalid: stock must be between 0 and 2147483647"),
    ];
    let rows = good.iter().chain(bad.iter().map(|(row, _)| row)).cloned().collect::<Vec<_>>().join("\n");
    let done = bench.run(&format!("{HEADER}{rows}"), &upload("bulk_create")).await;
    for (row, (cells, reason)) in (good.len() as u64 + 1..).zip(&bad) {
        assert_eq!(done.reason(row), *reason, "{cells}");
    }
    assert_eq!(done.counts(), (good.len() as u64, bad.len() as u64, 0));
    assert_eq!(products(&bench).await["e"], "E|1.50|EUR|1");
    assert_eq!(products(&bench).await["f"], "F|7.50|EUR|7");
    assert_eq!(products(&bench).await["h"], "H|1000.00|EUR|5");
}

#[tokio::test]
async fn results_hold_the_uploaded_bytes_and_a_dry_run_changes_nothing() {
    let bench = Bench::start().await;
    let csv =
        format!("{HEADER} A ,\"Tea, \"\"fine\"\"\",1.500,EUR, 40 \nB,=1+1,9.999,EUR,1\n A,Again,2,EUR,2\n");
    let upload = upload("bulk_create").field("deduplicate", "true").field("dryRun", "true");
    let id = bench.client().upload(csv.clone(), &upload).await;
    bench.client().wait_finished(&id, DEADLINE).await;
    let text = bench.client().get(&format!("/bulk-actions/{id}/results")).await.text().await.unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "1,success,valid,, A ,\"Tea, \"\"fine\"\"\",1.500,EUR, 40 ",
            "2,failed,invalid: price must have at most 2 digits after the point,,B,=1+1,9.999,EUR,1",
            "3,skipped,duplicate: an earlier row of this file has the same key,, A,Again,2,EUR,2",
            "_row,_status,_reason,_id,sku,name,price,currency,stock",
        ]
    );
    assert!(products(&bench).await.is_empty());
}

#[tokio::test]
async fn a_product_that_exists_is_skipped_failed_or_updated_as_asked() {
    let bench = Bench::start().await;
    bench.run(&format!("{HEADER}A,Old,1,EUR,1\n"), &upload("bulk_create")).await;
    let csv = format!("{HEADER}A,New,2,USD,\nB,Fresh,3,EUR,3\n");
    let asked = |choice: &str| upload("bulk_create").field("onConflict", choice);
    let skip = bench.run(&csv, &asked("skip")).await;
    assert_eq!((skip.counts(), skip.code(1)), ((1, 0, 1), "already_exists"));
    let error = bench.run(&csv, &asked("error")).await;
    assert_eq!((error.counts(), error.code(2)), ((0, 2, 0), "already_exists"));
    assert_eq!(products(&bench).await["A"], "Old|1.00|EUR|1");
    let update = bench.run(&csv, &asked("update")).await;
    assert_eq!(update.counts(), (2, 0, 0));
    assert_eq!(products(&bench).await["A"], "New|2.00|USD|1");
}
