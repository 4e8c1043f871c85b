//! `local seed` with the real schema.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bulk_core::entity::Entities;
use local::generate::{self, Records};
use local::seed::{SeedOptions, seed};
use sqlx::{AssertSqlSafe, PgPool};
use testkit::TestEnv;

/// More than one batch, and not a multiple of the batch size.
const ROWS: u64 = 2_500;

async fn fill(env: &TestEnv, entity: &str, account: &str, rows: u64) -> u64 {
    let records = Records { entity: generate::find(entity, None).unwrap(), rows, seed: 1, bad_rows: 0 };
    let options = SeedOptions { records, account: account.to_owned() };
    seed(&options, &env.settings()["DATABASE_URL"]).await.unwrap()
}

/// Number and hash of an account's records.
async fn digest(pool: &PgPool, table: &str, account: &str) -> (i64, String) {
    let records = format!(
        "SELECT count(*), md5(string_agg(r::text, '' ORDER BY id)) FROM {table} r WHERE account_id = $1"
    );
    sqlx::query_as(AssertSqlSafe(records)).bind(account).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_repetition_changes_nothing_and_more_rows_add_what_is_missing() {
    let env = TestEnv::new().await;
    for entity in Entities::built_in().all() {
        let (entity, table) = (entity.name(), entity.table_sql());
        assert_eq!(fill(&env, entity, "acme", ROWS).await, ROWS);
        let before = digest(env.pool(), &table, "acme").await;
        assert_eq!(before.0, 2_500);
        assert_eq!(fill(&env, entity, "acme", ROWS).await, 0);
        assert_eq!(digest(env.pool(), &table, "acme").await, before);
        assert_eq!(fill(&env, entity, "acme", ROWS + 10).await, 10);
        assert_eq!(fill(&env, entity, "other", 10).await, 10);
    }
}

#[tokio::test]
async fn an_account_that_no_caller_can_have_is_refused() {
    let records = Records { entity: generate::find("contact", None).unwrap(), rows: 1, seed: 1, bad_rows: 0 };
    let options = SeedOptions { records, account: "a/b".to_owned() };
    assert!(
        seed(&options, "postgres://127.0.0.1:1/none").await.unwrap_err().to_string().contains("account id")
    );
}
