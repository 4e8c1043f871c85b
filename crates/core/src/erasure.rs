//! Deletes everything of an account and verifies it: actions, uploads, keys, records, objects and rate limits. Each
//! step can be interrupted and repeated. It is meant for closed accounts: an account that keeps uploading has new data
//! at the end, and the report shows it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use sqlx::PgPool;
use thiserror::Error;

use crate::db::{self, DbError, RecordTable};
use crate::dependencies::Dependencies;
use crate::entity::{Entities, Entity, parse};
use crate::removal::{abort_file_upload, delete_under};
use crate::storage::{StorageError, keys};

/// Longest request to object storage that a worker may still have in flight after it noticed the end of its action.
const LONGEST_REQUEST: Duration = Duration::from_secs(20);
/// Rounds of cancelling and deleting, for actions created in the meantime.
const ROUNDS: usize = 5;

/// Reason why an erasure stopped. It can be repeated.
#[derive(Debug, Error)]
pub enum ErasureError {
    /// Not a valid account id.
    #[error("an account id is 1 to 255 letters, digits, underscores and hyphens")]
    NoAccountId,
    /// A stored declaration is unreadable, so its table and the account's records there are unknown.
    #[error("the database has a declaration of an entity that this version cannot read: run a newer version")]
    UnknownDeclaration,
    /// PostgreSQL.
    #[error("the database: {0}")]
    Database(#[from] DbError),
    /// S3.
    #[error("object storage: {0}")]
    Storage(#[from] StorageError),
    /// Redis.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
}

impl From<sqlx::Error> for ErasureError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Result of an erasure: counts of what was deleted and what is left.
#[derive(Debug, Default)]
pub struct Erasure {
    /// Actions deleted.
    pub actions: u64,
    /// Records deleted.
    pub records: u64,
    /// Objects deleted.
    pub objects: usize,
    /// Remaining rows by table.
    pub rows_left: BTreeMap<String, i64>,
    /// Remaining objects below the account's prefix.
    pub objects_left: usize,
    /// The store's reason for not deleting some of them.
    pub reason: Option<String>,
    /// Remaining multipart uploads; `None` if the store cannot list them.
    pub multipart_left: Option<usize>,
    /// Remaining keys in Redis.
    pub keys_left: usize,
}

impl Erasure {
    /// True if nothing is left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rows_left.values().all(|&rows| rows == 0)
            && self.objects_left == 0
            && self.multipart_left.unwrap_or_default() == 0
            && self.keys_left == 0
    }
}

impl fmt::Display for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deleted: {} actions, {} records, {} objects", self.actions, self.records, self.objects)?;
        writeln!(f, "left:")?;
        for (table, rows) in &self.rows_left {
            writeln!(f, "  {rows:>10} rows in {table}")?;
        }
        writeln!(f, "  {:>10} objects", self.objects_left)?;
        match self.multipart_left {
            Some(left) => writeln!(f, "  {left:>10} unfinished multipart uploads")?,
            None => writeln!(
                f,
                "  the object store cannot list unfinished multipart uploads; those known were ended"
            )?,
        }
        writeln!(f, "  {:>10} keys in Redis", self.keys_left)?;
        if let Some(reason) = &self.reason {
            writeln!(f, "objects were not deleted: {reason}")?;
        }
        write!(f, "{}", if self.is_complete() { "nothing is left" } else { "NOT COMPLETE: run it again" })
    }
}

/// The tables of records: of all declared entities, and of all entities used by earlier uploads whose tables still
/// exist.
///
/// # Errors
/// If the query fails, or a stored declaration was written by a newer version.
pub async fn record_tables(pool: &PgPool, entities: &Entities) -> Result<Vec<RecordTable>, ErasureError> {
    let mut tables: Vec<RecordTable> = entities.all().map(|entity| table_of(entity)).collect();
    for text in db::kept_declarations(pool).await? {
        let entity = parse("entity_declarations", &text).map_err(|_| ErasureError::UnknownDeclaration)?;
        tables.push(table_of(&entity));
    }
    let mut existing: Vec<RecordTable> = Vec::new();
    for table in tables {
        if !existing.contains(&table) && db::table_exists(pool, &table).await? {
            existing.push(table);
        }
    }
    Ok(existing)
}

fn table_of(entity: &Entity) -> RecordTable {
    let (schema, name) = entity.table();
    RecordTable {
        schema: schema.to_owned(),
        name: name.to_owned(),
        account_column: entity.account().sql.clone(),
        account_type: entity.account().kind,
        id_column: entity.id().sql.clone(),
    }
}

/// Deletes everything of the account. `lease` is the lease time of the workers.
///
/// # Errors
/// If a store is unavailable; deletions done so far are kept.
pub async fn erase(
    dependencies: &Dependencies,
    account: &str,
    records: &[RecordTable],
    lease: Duration,
) -> Result<Erasure, ErasureError> {
    let is_account_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=255).contains(&account.len()) || !account.bytes().all(is_account_char) {
        return Err(ErasureError::NoAccountId);
    }
    let (pool, store) = (&dependencies.pool, &dependencies.store);
    let mut erasure = Erasure::default();
    for _ in 0..ROUNDS {
        end_uploads(dependencies, account).await?;
        db::cancel_all(pool, account).await?;
        wait_for_stragglers(dependencies, account, lease).await?;
        let deleted = db::delete_finished_actions(pool, account).await?;
        erasure.actions += deleted;
        if deleted == 0 {
            break;
        }
    }
    for table in records {
        erasure.records += db::delete_records(pool, table, account).await?;
    }
    let prefix = keys::account_prefix(account);
    let deleted = delete_under(store, &prefix, |_| true).await?;
    erasure.objects = deleted.removed;
    erasure.reason = deleted.reason;
    for (key, multipart_id) in store.unfinished_uploads(&prefix).await?.unwrap_or_default() {
        store.abort_upload(&key, &multipart_id).await?;
    }
    // Last, because until here these rows lead the clean-up to everything that an interrupted erasure has left.
    db::delete_bookkeeping(pool, account).await?;
    dependencies.queue.remove_account_keys(account).await?;
    count_what_is_left(dependencies, account, records, &mut erasure).await?;
    Ok(erasure)
}

async fn end_uploads(dependencies: &Dependencies, account: &str) -> Result<(), ErasureError> {
    for upload in db::take_uploads(&dependencies.pool, account).await? {
        if let Some(multipart_id) = &upload.multipart_id {
            abort_file_upload(&dependencies.store, account, upload.action_id, multipart_id).await?;
        }
    }
    Ok(())
}

/// Waits for workers that may still store one object for a cancelled action.
async fn wait_for_stragglers(
    dependencies: &Dependencies,
    account: &str,
    lease: Duration,
) -> Result<(), ErasureError> {
    let grace_ms = crate::millis(lease + LONGEST_REQUEST);
    let wait_ms = db::stragglers_gone_in_ms(&dependencies.pool, account, grace_ms).await?;
    if wait_ms > 0 {
        tracing::info!(wait_ms, "waiting for workers that may still work on an action that was just ended");
        tokio::time::sleep(Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default())).await;
    }
    Ok(())
}

async fn count_what_is_left(
    dependencies: &Dependencies,
    account: &str,
    records: &[RecordTable],
    erasure: &mut Erasure,
) -> Result<(), ErasureError> {
    let (store, prefix) = (&dependencies.store, keys::account_prefix(account));
    erasure.rows_left = db::count_rows(&dependencies.pool, account, records).await?;
    erasure.multipart_left = store.unfinished_uploads(&prefix).await?.map(|uploads| uploads.len());
    erasure.keys_left = dependencies.queue.account_keys(account).await?.len();
    let mut last = None;
    loop {
        let found = store.list(&prefix, last.as_deref()).await?;
        erasure.objects_left += found.len();
        last = found.into_iter().next_back();
        if last.is_none() {
            return Ok(());
        }
    }
}
