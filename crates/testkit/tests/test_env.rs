//! Tests of a test's share of the stores.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use testkit::TestEnv;

#[tokio::test]
async fn every_test_has_a_migrated_database_of_its_own() {
    let (first, second) = (TestEnv::new().await, TestEnv::new().await);
    let (one, other) = (first.settings(), second.settings());
    for name in ["DATABASE_URL", "REDIS_KEY_PREFIX", "MINIO_BUCKET_NAME"] {
        assert_ne!(one[name], other[name], "{name}");
    }
    for env in [&first, &second] {
        let migrations: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success")
            .fetch_one(env.pool())
            .await
            .unwrap();
        assert!(migrations > 0);
    }
}

#[tokio::test]
async fn the_database_is_gone_after_the_test() {
    let (finished, running) = (TestEnv::new().await, TestEnv::new().await);
    let name: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(finished.pool()).await.unwrap();
    drop(finished);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_one(running.pool())
        .await
        .unwrap();
    assert_eq!(left, 0);
}
