//! How somebody finds an action among many, and a row within one.

use serde_json::{Value, json};
use testkit::Upload;

use crate::support::{Bench, DEADLINE};

const ROWS: u64 = 300;

/// One row in ten breaks a rule, and one comes twice.
fn csv() -> String {
    let rows =
        (1..=ROWS).map(|n| format!("user{n}@example.com,User {n},{}\n", if n % 10 == 0 { 999 } else { 30 }));
    format!("email,name,age\n{}user1@example.com,Again,30\n", rows.collect::<String>())
}

fn numbers(page: &Value) -> Vec<u64> {
    page["data"].as_array().unwrap().iter().map(|row| row["row"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn rows_are_found_by_code_and_by_text() {
    let bench = Bench::with_chunk_size(10).await;
    let client = bench.client();
    let id = client.upload(csv(), &Upload::contacts("bulk_create").field("deduplicate", "true")).await;
    client.wait_finished(&id, DEADLINE).await;

    let codes = client.data(&format!("/bulk-actions/{id}/codes")).await;
    let expected = json!([
        {"code": "created", "rows": 270},
        {"code": "duplicate", "rows": 1},
        {"code": "invalid", "rows": 30},
    ]);
    assert_eq!(codes, expected);

    let mut broken = numbers(&client.logs(&id, "code=invalid").await);
    broken.sort_unstable();
    assert_eq!(broken, (1..=30).map(|n| n * 10).collect::<Vec<_>>());
    assert_eq!(numbers(&client.logs(&id, "code=duplicate").await), [ROWS + 1]);
    assert_eq!(numbers(&client.logs(&id, "code=invalid&status=success").await), [0u64; 0]);
    assert_eq!(client.logs(&id, "code=rejected").await["pagination"]["nextCursor"], Value::Null);

    // A search goes from cursor to cursor; a page of it may be empty.
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = client.logs(&id, &format!("q=USER%20299&values=true{cursor}")).await;
        pages += 1;
        found.extend(page["data"].as_array().unwrap().clone());
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(pages > 1, "more chunks than one request looks through");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["row"], 299);
    let values = json!([
        {"column": "email", "value": "user299@example.com"},
        {"column": "name", "value": "User 299"},
        {"column": "age", "value": "30"},
    ]);
    assert_eq!(found[0]["values"], values);
    let without = client.logs(&id, "limit=1").await;
    assert_eq!(without["data"][0].get("values"), None);
}

#[tokio::test]
async fn a_page_of_large_values_ends_early_and_goes_on() {
    const LARGE_ROWS: usize = 30;
    let bench = Bench::with_chunk_size(10).await;
    let client = bench.client();
    let long = "x".repeat(100_000);
    let rows = (1..=LARGE_ROWS).map(|n| format!("user{n}@example.com,{long},30\n")).collect::<String>();
    let csv = format!("email,name,age\n{rows}");
    let id = client.upload(csv, &Upload::contacts("bulk_create").field("dryRun", "true")).await;
    client.wait_finished(&id, DEADLINE).await;

    let first = client.logs(&id, "values=true&limit=1000").await;
    let on_it = first["data"].as_array().unwrap().len();
    assert!((5..LARGE_ROWS).contains(&on_it), "{on_it} rows");
    let (mut seen, mut page) = (numbers(&first), first);
    while let Some(next) = page["pagination"]["nextCursor"].as_str() {
        page = client.logs(&id, &format!("values=true&limit=1000&cursor={next}")).await;
        seen.extend(numbers(&page));
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=LARGE_ROWS as u64).collect::<Vec<_>>());
    assert_eq!(client.logs(&id, "limit=1000").await["data"].as_array().unwrap().len(), LARGE_ROWS);
}

#[tokio::test]
async fn actions_are_found_by_operation_and_file_name_and_say_why_they_wait() {
    let bench = Bench::without_workers().await;
    let client = bench.client();
    let upload = |operation: &str, name: &str| Upload::contacts(operation).file_name(name);
    let csv = "email,name\nada@example.com,Ada\n";
    let march = client.upload(csv, &upload("bulk_create", "Kunden März.csv")).await;
    let april = client.upload(csv, &upload("bulk_update", "kunden april.csv")).await;
    let later = upload("bulk_update", "orders.csv").field("scheduledAt", "2999-01-01T00:00:00Z");
    let scheduled = client.upload(csv, &later).await;

    let found = |query: &str| {
        let path = format!("/bulk-actions?{query}");
        let client = bench.client();
        async move {
            let actions = client.data(&path).await;
            let ids =
                actions.as_array().unwrap().iter().map(|action| action["id"].as_str().unwrap().to_owned());
            ids.collect::<Vec<_>>()
        }
    };
    assert_eq!(found("fileName=KUNDEN").await, [april.clone(), march.clone()]);
    assert_eq!(found("fileName=m%C3%A4rz").await, [march.as_str()]);
    assert_eq!(found("actionType=bulk_update").await, [scheduled.clone(), april.clone()]);
    assert_eq!(found("actionType=bulk_update&status=queued&fileName=n%20a").await, [april.as_str()]);
    assert!(found("fileName=%25").await.is_empty(), "no pattern");
    let refused = client.get("/bulk-actions?fileName=%00").await;
    assert_eq!(refused.status(), 400, "a zero byte is for the service to refuse, not for the database");

    let waits = |id: String| {
        let client = bench.client();
        async move { client.data(&format!("/bulk-actions/{id}")).await["waitingFor"].clone() }
    };
    assert_eq!(waits(march).await, json!({"code": "worker", "message": "it is waiting for a worker"}));
    assert_eq!(waits(scheduled).await["message"], "it is scheduled for 2999-01-01T00:00:00Z");
    sqlx::query("UPDATE bulk_actions SET chunking_owner = 'somebody' WHERE id = $1::uuid")
        .bind(&april)
        .execute(bench.env.pool())
        .await
        .unwrap();
    let march = found("fileName=m%C3%A4rz").await.remove(0);
    assert_eq!(waits(march).await["code"], "another_file");
    assert_eq!(waits(april).await["code"], "worker");
}
