//! Tests of the private stores: they restart after a crash and keep their data.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use local::data_dir::DataDir;
use local::leftovers::end_leftovers;
use local::os_process::running_program;
use local::postgres::{self, Durability};
use local::process::send_signal;
use local::stores::{self, Outside, Stores};
use local::supervisor::Supervisor;
use nix::sys::signal::Signal;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::{sleep, timeout};

const DEADLINE: Duration = Duration::from_secs(60);

/// A directory that only its owner may enter, as `tempdir` creates them; the hardest case for root.
fn open(dir: &Path) -> (DataDir, Supervisor) {
    let data_dir = DataDir::open(&dir.join("data")).unwrap();
    let supervisor = Supervisor::new(data_dir.logs(), data_dir.run());
    (data_dir, supervisor)
}

async fn start_all(data_dir: &DataDir, supervisor: &mut Supervisor) -> Stores {
    Stores::start(data_dir, supervisor, Outside::Never, Durability::Full).await.unwrap()
}

fn pid(data_dir: &DataDir, name: &str) -> u32 {
    fs::read_to_string(data_dir.run().join(format!("{name}.pid"))).unwrap().trim().parse().unwrap()
}

async fn connect(url: &str) -> PgConnection {
    let attempts = async {
        loop {
            match PgConnection::connect(url).await {
                Ok(connection) => return connection,
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(DEADLINE, attempts).await.expect("PostgreSQL takes connections")
}

async fn count(url: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connect(url).await).await.unwrap()
}

#[tokio::test]
async fn committed_rows_survive_a_crash_of_the_server_and_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let (data_dir, mut supervisor) = open(dir.path());
    let url = postgres::start(&data_dir, &mut supervisor, Durability::Full).await.unwrap();
    let mut connection = connect(&url).await;
    connection.execute("CREATE TABLE kept (value int)").await.unwrap();
    connection.execute("INSERT INTO kept VALUES (1), (2)").await.unwrap();

    let crashed = pid(&data_dir, "postgres");
    send_signal(crashed, Signal::SIGKILL).unwrap();
    assert_eq!(count(&url).await, 2);
    assert_ne!(pid(&data_dir, "postgres"), crashed);

    stores::stop(&mut supervisor).await;
    drop((data_dir, supervisor));
    let (data_dir, mut supervisor) = open(dir.path());
    let again = postgres::start(&data_dir, &mut supervisor, Durability::Full).await.unwrap();
    assert_eq!(again, url);
    assert_eq!(count(&again).await, 2);
    stores::stop(&mut supervisor).await;
}

#[tokio::test]
async fn the_values_of_a_refused_statement_are_not_logged() {
    let dir = tempfile::tempdir().unwrap();
    let (data_dir, mut supervisor) = open(dir.path());
    let url = postgres::start(&data_dir, &mut supervisor, Durability::None).await.unwrap();
    let mut connection = connect(&url).await;
    connection
        .execute("CREATE TABLE people (email text PRIMARY KEY, age int CHECK (age < 150))")
        .await
        .unwrap();
    for age in [1, 2, 999] {
        let insert = sqlx::query("INSERT INTO people SELECT * FROM unnest($1::text[], $2::int[])");
        let _ = insert.bind(vec!["ada@example.com"]).bind(vec![age]).execute(&mut connection).await;
    }
    stores::stop(&mut supervisor).await;
    let log = fs::read_to_string(data_dir.logs().join("postgres.log")).unwrap();
    assert_eq!(log.matches("violates").count(), 2, "that rows are refused is: {log}");
    assert!(!log.contains("ada@") && !log.contains("999"), "{log}");
}

#[tokio::test]
async fn a_password_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let (data_dir, mut supervisor) = open(dir.path());
    let url = postgres::start(&data_dir, &mut supervisor, Durability::None).await.unwrap();
    let secret = data_dir.secret("POSTGRES_PASSWORD").unwrap();
    let refused = PgConnection::connect(&url.replace(&secret, "guess")).await;
    assert!(refused.unwrap_err().to_string().contains("authentication failed"));
    stores::stop(&mut supervisor).await;
}

#[test]
fn servers_left_by_a_killed_run_are_ended_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    // A runtime that is no longer polled stands for the killed process: its children are not stopped.
    let killed = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let left = killed.block_on(async {
        let (data_dir, mut supervisor) = open(dir.path());
        let stores = start_all(&data_dir, &mut supervisor).await;
        connect(&stores.settings["DATABASE_URL"]).await.execute("CREATE TABLE kept ()").await.unwrap();
        ["postgres", "redis"].map(|name| pid(&data_dir, name))
    });
    std::mem::forget(killed);

    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (data_dir, mut supervisor) = open(dir.path());
        end_leftovers(&data_dir.run()).await.unwrap();
        assert_eq!(left.map(running_program), [None, None]);
        let stores = start_all(&data_dir, &mut supervisor).await;
        assert_eq!(count(&stores.settings["DATABASE_URL"]).await, 0);
        stores::stop(&mut supervisor).await;
    });
}
