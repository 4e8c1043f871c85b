//! Connection pools, session settings and the schema version.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Row};
use thiserror::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Maximum wait for a free connection before the database counts as unreachable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum wait for the answer of a connection that returns to the pool. sqlx itself waits without a limit and loses
/// one place per silent connection (not reported upstream; remove this when sqlx bounds the wait).
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum age of the connection used by health probes.
const PROBE_LIFETIME: Duration = Duration::from_secs(15);
/// Keepalive settings by which the server detects that a client's machine is gone (s, s, number, ms). Otherwise that
/// client's locks would stay for hours.
const CLIENT_GONE: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

/// Planner settings: every statement of the services finds its rows by an index. The planner sometimes prefers to read
/// a whole table: for an array of 10,000 keys, whose length it can see (2.3 times as slow with 500,000 records,
/// measured on 2026-11-25), and for a table that was small when a plan was cached and has grown since, as in a first
/// large upsert.
const BY_INDEX: [(&str, &str); 3] =
    [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off")];

/// Limits that the database enforces on a service's sessions, so that a transaction blocks other work only for a
/// bounded time. `None` sets no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionBounds {
    /// Maximum wait for a lock.
    pub lock: Option<Duration>,
    /// Maximum duration of a statement.
    pub statement: Option<Duration>,
    /// Maximum idle time within a transaction. A frozen worker would otherwise hold its locks for ever.
    pub idle_in_transaction: Duration,
}

impl SessionBounds {
    /// Limits for a worker with leases of this length. Waiting for a lock occupies a slot, and a lock held for longer
    /// than this limit belongs to another chunk at work; waiting in the queue instead occupies nothing. A statement
    /// that takes half a minute for the rows of a chunk is a defect.
    #[must_use]
    pub fn worker(lease: Duration) -> Self {
        let [lock, statement] = [Duration::from_secs(1), Duration::from_secs(30)].map(Some);
        Self { lock, statement, idle_in_transaction: lease }
    }

    /// Limits only the idle time within a transaction.
    #[must_use]
    pub fn only_idle(idle_in_transaction: Duration) -> Self {
        Self { lock: None, statement: None, idle_in_transaction }
    }

    fn settings(self) -> Vec<(&'static str, String)> {
        let bounds = [
            ("lock_timeout", self.lock),
            ("statement_timeout", self.statement),
            ("idle_in_transaction_session_timeout", Some(self.idle_in_transaction)),
        ];
        let set = bounds.into_iter().filter_map(|(name, bound)| Some((name, bound?)));
        set.map(|(name, bound)| (name, bound.as_millis().to_string())).collect()
    }
}

/// Reason why the schema cannot be used.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// Migrations are missing; `api migrate` applies them.
    #[error("the database lacks migrations {missing:?}; run `api migrate`")]
    Behind {
        /// Versions that have not been applied.
        missing: Vec<i64>,
    },
    /// A newer version of the platform migrated the database.
    #[error("the database has migrations {unknown:?}, which this version does not know; run a newer version")]
    Ahead {
        /// Versions unknown to this build.
        unknown: Vec<i64>,
    },
    /// The query failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// Creates a pool. Connections are opened on first use, so this succeeds while the database is down.
///
/// # Errors
/// If `url` is not a database URL.
pub fn connect(
    url: &SecretString,
    application: &str,
    max_connections: u32,
    bounds: SessionBounds,
) -> sqlx::Result<PgPool> {
    let options = PgConnectOptions::from_str(url.expose_secret())?
        .application_name(application)
        .options(bounds.settings())
        .options(CLIENT_GONE)
        .options(BY_INDEX);
    Ok(PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_release(|connection, _| {
            Box::pin(async move {
                let answer = tokio::time::timeout(RELEASE_TIMEOUT, is_at_rest(connection)).await;
                answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))
            })
        })
        .connect_lazy_with(options))
}

/// A pool with one connection for health probes. The connection is replaced after [`PROBE_LIFETIME`], because changed database
/// settings apply to new sessions only.
///
/// # Errors
/// If `url` is not a database URL.
pub(crate) fn connect_for_probes(url: &SecretString, application: &str) -> sqlx::Result<PgPool> {
    let options =
        PgConnectOptions::from_str(url.expose_secret())?.application_name(application).options(CLIENT_GONE);
    Ok(PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(PROBE_LIFETIME)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options))
}

/// True if the connection is in no transaction, so that it can return to the pool; otherwise it must be closed.
///
/// Work is dropped at any point when a lease is lost, a worker stops or a client disconnects. sqlx 0.9.0 rolls back a
/// dropped transaction, but not one dropped while its `BEGIN` is in flight (transact-rs/sqlx #4393, fixed by #4394
/// after 0.9.0; remove this check with the next release). The next user's statements would run inside that transaction
/// and never be committed. Outside a transaction `now()` is the start of the statement itself, so the two times are
/// equal. The check uses the simple protocol, which sends one message per statement; the extended protocol sends
/// several.
async fn is_at_rest(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::raw_sql("SELECT now() = statement_timestamp()").fetch_one(connection).await?.try_get(0)
}

/// Applies all missing migrations. Several processes may run it concurrently.
///
/// # Errors
/// [`SchemaError`] if the database is unreachable or a migration fails.
pub async fn migrate(database_url: &str) -> Result<(), SchemaError> {
    let pool = PgPoolOptions::new().max_connections(1).connect(database_url).await?;
    MIGRATIONS.run(&pool).await?;
    pool.close().await;
    Ok(())
}

/// Checks that the database has exactly the schema that this build expects.
///
/// # Errors
/// [`SchemaError`] naming the difference.
pub async fn require_schema(pool: &PgPool) -> Result<(), SchemaError> {
    let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    let applied =
        match sqlx::query_scalar!("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(pool).await
        {
            Ok(applied) => applied,
            // No migration has ever run.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => Vec::new(),
            Err(error) => return Err(error.into()),
        };
    let missing: Vec<i64> = known.iter().copied().filter(|version| !applied.contains(version)).collect();
    let unknown: Vec<i64> = applied.iter().copied().filter(|version| !known.contains(version)).collect();
    match (missing.is_empty(), unknown.is_empty()) {
        (false, _) => Err(SchemaError::Behind { missing }),
        (_, false) => Err(SchemaError::Ahead { unknown }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// The query macros compile sqlx without TLS, so nothing else would tell that the services have it.
    #[tokio::test]
    async fn a_connection_that_must_be_encrypted_begins_with_a_tls_handshake() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://bulk@{}/bulk?sslmode=require", server.local_addr().unwrap());
        let pool = connect(&url.into(), "test", 1, SessionBounds::only_idle(Duration::from_secs(1))).unwrap();
        let accepting = async {
            let (mut connection, _) = server.accept().await.unwrap();
            // PostgreSQL's SSLRequest has 8 bytes; `S` accepts it, and the next message is TLS.
            connection.read_exact(&mut [0; 8]).await.unwrap();
            connection.write_all(b"S").await.unwrap();
            connection.read_u8().await.unwrap()
        };
        let first_byte = tokio::select! {
            byte = accepting => byte,
            result = pool.acquire() => panic!("connected to a server that says nothing: {result:?}"),
        };
        assert_eq!(first_byte, 0x16, "the content type of a handshake record");
    }
}
