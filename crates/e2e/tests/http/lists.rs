//! Very long lists.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::{Client, TestEnv, Upload};

use crate::support::{api, refusal};

const ACTIONS: i32 = 10_050;

/// Copies of one action, a tenth of them cancelled.
async fn fill(env: &TestEnv, client: &Client) {
    client.upload("email,name\na@example.com,A\n", &Upload::contacts("bulk_create")).await;
    let copies = "WITH copied AS (
            INSERT INTO bulk_actions (id, account_id, entity_type, action_type, status, deduplicate, on_conflict, mapping,
                dry_run, file_name, file_key, file_size_bytes, file_etag, file_uploaded_at, chunk_size, chunk_size_bytes,
                partitions, traceparent, completed_at)
            SELECT gen_random_uuid(), account_id, entity_type, action_type,
                CASE WHEN n % 10 = 0 THEN 'cancelled' ELSE status END, deduplicate, on_conflict, '{}', dry_run, file_name,
                file_key, file_size_bytes, file_etag, file_uploaded_at, chunk_size, chunk_size_bytes, partitions,
                traceparent, CASE WHEN n % 10 = 0 THEN now() END
            FROM bulk_actions, generate_series(1, $1 - 1) n
            RETURNING id
        ) INSERT INTO bulk_action_stats (action_id, total_records) SELECT id, 1 FROM copied";
    sqlx::query(copies).bind(ACTIONS).execute(env.pool()).await.unwrap();
}

async fn page(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/bulk-actions?{query}")).await;
    assert_eq!(answer.status(), 200, "{query}");
    answer.json().await.unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|action| action["id"].as_str().unwrap().to_owned()).collect()
}

/// Follows the cursors from the first page to the end.
async fn walk(client: &Client, filter: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = format!("limit=100{filter}");
    loop {
        let page = page(client, &next).await;
        found.extend(ids(&page));
        let info = &page["pagination"];
        assert_eq!(info["hasNext"], info["nextCursor"].is_string(), "{info}");
        let Some(cursor) = info["nextCursor"].as_str() else { return found };
        next = format!("limit=100{filter}&cursor={cursor}");
    }
}

#[tokio::test]
async fn a_cursor_reaches_every_action_once_and_pages_those_that_people_read() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let client = api.client("acme");
    fill(&env, &client).await;

    let all = walk(&client, "").await;
    assert_eq!(all.len(), usize::try_from(ACTIONS).unwrap());
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "each once");
    assert!(all.is_sorted_by(|a, b| a > b), "newest first");
    let cancelled = walk(&client, "&status=cancelled").await;
    assert_eq!(cancelled.len(), usize::try_from((ACTIONS - 1) / 10).unwrap());
    assert_eq!(walk(&client, "&status=cancelled&entityType=contact").await, cancelled);
    assert_eq!(walk(&client, "&entityType=contact").await, all);
    assert!(walk(&client, "&entityType=order").await.is_empty());

    let last = page(&client, "page=100&limit=100").await;
    assert_eq!(ids(&last), all[9900..10_000]);
    let info = &last["pagination"];
    assert_eq!(
        (&info["total"], &info["totalIsCapped"], &info["totalPages"]),
        (&10_000.into(), &true.into(), &100.into())
    );
    let next = page(&client, &format!("limit=100&cursor={}", info["nextCursor"].as_str().unwrap())).await;
    assert_eq!(ids(&next), all[10_000..]);
    let filtered = page(&client, "status=cancelled&limit=1").await;
    assert_eq!(
        (&filtered["pagination"]["total"], &filtered["pagination"]["totalIsCapped"]),
        (&1004.into(), &false.into())
    );

    for query in ["page=101&limit=100", "page=10001&limit=1", "page=9223372036854775807"] {
        let (status, code, told) = refusal(client.get(&format!("/bulk-actions?{query}")).await).await;
        assert_eq!((status, code.as_str()), (400, "validation_failed"), "{query}");
        assert!(told.contains("cursor"), "{query}: {told}");
    }
    for query in ["cursor=x", "cursor=", &format!("page=1&cursor={}", info["nextCursor"].as_str().unwrap())] {
        let (status, _, told) = refusal(client.get(&format!("/bulk-actions?{query}")).await).await;
        assert!(status == 400 && told.contains("cursor"), "{query}: {told}");
    }
    assert_eq!(page(&api.client("other"), "").await["pagination"]["total"], 0);
}

#[tokio::test]
async fn lists_carry_no_mappings() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let client = api.client("acme");
    let upload = Upload::contacts("bulk_create").field("mapping", r#"{"E-Mail":"email"}"#);
    let id = client.upload("E-Mail,name\na@example.com,A\n", &upload).await;
    let listed = page(&client, "").await;
    assert_eq!(listed["data"][0]["configuration"].get("mapping"), None, "{listed}");
    let shown = client.data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(shown["configuration"]["mapping"]["E-Mail"], "email");
}
