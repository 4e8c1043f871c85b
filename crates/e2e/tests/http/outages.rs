//! Stores that respond but are not usable: a database that accepts no writes, a full Redis.

use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Platform, PlatformOptions, PrivateStores, TestEnv, Upload};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::{DEADLINE, api, failure, http};

/// Waits until readiness has this status, and returns the response.
async fn readiness(platform: &Platform, status: u16) -> Value {
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = http().get(format!("{}/health/ready", platform.url())).send().await.unwrap();
        let found = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        if found == status {
            return body;
        }
        assert!(Instant::now() < end, "{found} and not {status}: {body}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_an_outage_and_not_our_fault() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let client = api.client("acme");
    readiness(&api, 200).await;
    let database: String =
        sqlx::query_scalar("SELECT current_database()").fetch_one(env.pool()).await.unwrap();
    // The measure of a provider against a full disk; existing sessions can still write.
    let mut admin = env.pool().acquire().await.unwrap();
    let switch = format!("ALTER DATABASE \"{database}\" SET default_transaction_read_only = on");
    sqlx::query(sqlx::AssertSqlSafe(switch)).execute(&mut *admin).await.unwrap();
    let end_others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(end_others).execute(&mut *admin).await.unwrap();

    let body = readiness(&api, 503).await;
    assert_eq!(
        (&body["status"], &body["services"]["database"]),
        (&"not_ready".into(), &false.into()),
        "{body}"
    );
    let answer = client.create("email,name\na@example.com,A\n", &Upload::contacts("bulk_create")).await;
    let retry_after = answer.headers().get("retry-after").cloned();
    let (status, body) = failure(answer).await;
    assert_eq!((status, body["error"]["code"].as_str()), (503, Some("unavailable")), "{body}");
    assert!(retry_after.is_some() && !body.to_string().contains("read-only"), "{body}");

    let switch = format!("ALTER DATABASE \"{database}\" RESET default_transaction_read_only");
    sqlx::query(sqlx::AssertSqlSafe(switch)).execute(&mut *admin).await.unwrap();
    sqlx::query(end_others).execute(&mut *admin).await.unwrap();
    readiness(&api, 200).await;
    client.upload("email,name\na@example.com,A\n", &Upload::contacts("bulk_create")).await;
}

async fn redis(stores: &PrivateStores, command: &str) {
    let mut connection = TcpStream::connect(("127.0.0.1", stores.redis.port())).await.unwrap();
    connection.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 5];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+OK\r\n", "{command}");
}

#[tokio::test]
async fn a_full_redis_is_seen_and_uploads_wait_for_it_without_loss() {
    let stores = PrivateStores::start().await;
    let options =
        PlatformOptions { processing_workers: 0, chunking_workers: 0, ..PlatformOptions::default() };
    let platform = Platform::start_on(stores.settings(), options).await;
    readiness(&platform, 200).await;
    redis(&stores, "CONFIG SET maxmemory-policy noeviction").await;
    redis(&stores, "CONFIG SET maxmemory 1").await;
    let body = readiness(&platform, 503).await;
    assert_eq!(body["services"]["redis"], false, "{body}");
    // PostgreSQL has the action; the reconciler rings the bell later.
    platform.client("acme").upload("email,name\na@example.com,A\n", &Upload::contacts("bulk_create")).await;
    redis(&stores, "CONFIG SET maxmemory 0").await;
    readiness(&platform, 200).await;
    platform.stop().await;
    stores.stop().await;
}
