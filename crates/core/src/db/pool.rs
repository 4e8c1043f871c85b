//! Connections and the schema.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Row};
use thiserror::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How long a caller waits for a free connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that is given back may take to answer. The pool itself would wait for ever, and lose a place for
/// each connection that has gone silent.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// How old the connection of the probes may become.
const PROBE_LIFETIME: Duration = Duration::from_secs(5);
/// When the server notices that a client's machine is gone, in its own units (s, s, number, ms): otherwise that client's
/// locks would stay for hours.
const CLIENT_GONE: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

/// Every statement of the services finds its rows by an index. The planner would at times rather read a whole table: for
/// an array of 10,000 keys, whose length it can see (2.3 times as slow with 500,000 records, measured on 2026-11-25), and
/// for a table that was small when a plan was kept and has grown since, as in a first large upsert.
const BY_INDEX: [(&str, &str); 3] =
    [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off")];

/// Bounds that the database sets for a service's sessions, so that no transaction of one piece of work holds up the others
/// for longer. `None` sets no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionBounds {
    /// Longest wait for a lock.
    pub lock: Option<Duration>,
    /// Longest statement.
    pub statement: Option<Duration>,
    /// Longest silence within a transaction. A worker that is frozen there would hold its locks for ever.
    pub idle_in_transaction: Duration,
}

impl SessionBounds {
    /// Those of a worker whose leases have this length. Waiting for a lock occupies a slot; what holds the lock for longer
    /// than this is another chunk at its work, and waiting in the queue costs nobody anything. A statement that takes half a
    /// minute for a chunk's rows has gone wrong.
    #[must_use]
    pub fn worker(lease: Duration) -> Self {
        let [lock, statement] = [Duration::from_secs(1), Duration::from_secs(30)].map(Some);
        Self { lock, statement, idle_in_transaction: lease }
    }

    /// No bound but that on silence in a transaction.
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

/// Why the schema cannot be worked with.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// Migrations are missing; `api migrate` applies them.
    #[error("the database lacks migrations {missing:?}; run `api migrate`")]
    Behind {
        /// Versions that are not applied.
        missing: Vec<i64>,
    },
    /// The database was migrated by a newer version.
    #[error("the database has migrations {unknown:?}, which this version does not know; run a newer version")]
    Ahead {
        /// Versions that this build does not have.
        unknown: Vec<i64>,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// Opens a pool. Connections are made when they are needed, so this succeeds while the database is away.
///
/// # Errors
/// When `url` is not a database URL.
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

/// A connection for health probes. It is made anew every few seconds, since what a database is set to holds for new sessions
/// first.
///
/// # Errors
/// When `url` is not a database URL.
pub fn connect_for_probes(url: &SecretString, application: &str) -> sqlx::Result<PgPool> {
    let options =
        PgConnectOptions::from_str(url.expose_secret())?.application_name(application).options(CLIENT_GONE);
    Ok(PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(PROBE_LIFETIME)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options))
}

/// Whether the connection is in no transaction, so that it can be given back; otherwise it has to be closed.
///
/// Work is dropped in the middle wherever a lease is lost, a worker stops or a caller hangs up. sqlx rolls a dropped
/// transaction back, but not one that is dropped while its `BEGIN` is on the way (0.9.0: it does not count yet as begun);
/// the next user's statements would take effect in it, and never be committed. Outside a transaction each statement is one
/// of its own, so that it begins with it. By the simple protocol, whose message is one statement: the extended one has several.
async fn is_at_rest(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::raw_sql("SELECT now() = statement_timestamp()").fetch_one(connection).await?.try_get(0)
}

/// Applies every migration that the database lacks. Safe to run by several processes at once.
///
/// # Errors
/// [`SchemaError`] when the database is away or a migration fails.
pub async fn migrate(database_url: &str) -> Result<(), SchemaError> {
    let pool = PgPoolOptions::new().max_connections(1).connect(database_url).await?;
    MIGRATIONS.run(&pool).await?;
    pool.close().await;
    Ok(())
}

/// Makes sure that the database has exactly the schema that this build knows.
///
/// # Errors
/// [`SchemaError`] naming the difference.
pub async fn require_schema(pool: &PgPool) -> Result<(), SchemaError> {
    let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    let applied =
        match sqlx::query_scalar!("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(pool).await
        {
            Ok(applied) => applied,
            // No migration was ever run.
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
