//! A database per test, copied from a template that is migrated once.
//!
//! The migrations are read from their directory and not through `bulk-core`: its queries are checked against a database
//! created by this crate, so this crate must build first.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

use crate::moves::OBSERVE;

/// An arbitrary number that nothing else locks. One test at a time creates or copies the template, because PostgreSQL
/// refuses to copy a database with open connections.
const TEMPLATE_LOCK: i64 = 0x7465_6d70_6c61_7465;

/// A migrated, empty database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    admin_url: String,
    name: String,
    /// `DATABASE_URL` of the database.
    pub url: String,
}

impl Database {
    /// Creates it on the server of the URL.
    pub(crate) async fn create(admin_url: &str) -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(admin_url).await.expect("the test database server");
        sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut admin).await.unwrap();
        let template = template(&mut admin, admin_url).await;
        execute(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        // Closing the connection releases the lock.
        admin.close().await.unwrap();
        Self { url: on_database(admin_url, &name), admin_url: admin_url.to_owned(), name }
    }

    /// A small pool of connections.
    pub(crate) async fn pool(&self) -> PgPool {
        let options: PgConnectOptions = self.url.parse().unwrap();
        PgPoolOptions::new()
            .max_connections(5)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options)
            .await
            .expect("the test database")
    }

    /// Drops it, even if it has open connections.
    pub(crate) async fn drop(&self) -> sqlx::Result<()> {
        let mut admin = PgConnection::connect(&self.admin_url).await?;
        admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))).await?;
        admin.close().await
    }
}

/// Name of the template for the current migrations, which is created if it does not exist.
async fn template(admin: &mut PgConnection, admin_url: &str) -> String {
    let name = format!("template_{}", template_digest());
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&name)
        .fetch_one(&mut *admin)
        .await
        .unwrap();
    if !exists {
        // Created under a temporary name, so that an interrupted test leaves no partial template.
        let unfinished = format!("unfinished_{}", Uuid::new_v4().simple());
        execute(admin, format!("CREATE DATABASE {unfinished}")).await;
        migrate(&on_database(admin_url, &unfinished)).await;
        execute(admin, format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
    }
    name
}

/// Migrates a database to the current schema, and installs the trigger that records status changes.
pub(crate) async fn migrate(url: &str) {
    let migrator = sqlx::migrate::Migrator::new(migrations()).await.unwrap();
    let mut connection = PgConnection::connect(url).await.unwrap();
    migrator.run_direct(None, &mut connection, false).await.unwrap();
    connection.execute(OBSERVE).await.unwrap();
    connection.close().await.unwrap();
}

async fn execute(admin: &mut PgConnection, statement: String) {
    admin.execute(AssertSqlSafe(statement)).await.unwrap();
}

fn on_database(admin_url: &str, name: &str) -> String {
    let mut url: reqwest::Url = admin_url.parse().expect("TEST_DATABASE_URL is a URL");
    url.set_path(name);
    url.into()
}

fn migrations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations")
}

/// Hash of everything that a template is made of, so that a server that outlives a test run does not keep an outdated
/// template.
fn template_digest() -> String {
    let mut files: Vec<PathBuf> =
        fs::read_dir(migrations()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hash = Xxh3::new();
    hash.update(OBSERVE.as_bytes());
    for file in files {
        hash.update(&fs::read(file).unwrap());
    }
    format!("{:016x}", hash.digest())
}
