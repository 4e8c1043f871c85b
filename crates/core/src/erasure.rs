//! Removes everything of an account, and proves it: actions, uploads, keys, records, objects and limits. Each step can be
//! broken off and done again. It is for accounts that are closed: an account that goes on uploading has new things at the end,
//! and the proof says so.

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

/// What a request to object storage may still take when its worker has noticed that its action is over.
const LONGEST_REQUEST: Duration = Duration::from_secs(20);
/// Rounds of cancelling and deleting, for actions that are created meanwhile.
const ROUNDS: usize = 5;

/// Why an erasure broke off. It can be begun again.
#[derive(Debug, Error)]
pub enum ErasureError {
    /// An account id is made of other characters.
    #[error("an account id is 1 to 255 letters, digits, underscores and hyphens")]
    NoAccountId,
    /// Its table, and so the account's records there, cannot be known.
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

/// What was removed, and what is left.
#[derive(Debug, Default)]
pub struct Erasure {
    /// Actions deleted.
    pub actions: u64,
    /// Records deleted.
    pub records: u64,
    /// Objects deleted.
    pub objects: usize,
    /// Rows that are left, by table.
    pub rows_left: BTreeMap<String, i64>,
    /// Objects that are left below the account's prefix.
    pub objects_left: usize,
    /// Why some of them are.
    pub reason: Option<String>,
    /// Unfinished multipart uploads that are left; `None` where the store cannot list them.
    pub multipart_left: Option<usize>,
    /// Keys that are left in Redis.
    pub keys_left: usize,
}

impl Erasure {
    /// Nothing is left.
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

/// The tables of records: of the entities that are declared now, and of all under which something was ever uploaded, as far
/// as the tables still exist.
///
/// # Errors
/// When the database is away, or has a declaration that a newer version wrote.
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

/// Removes everything of the account. `lease` is that of the workers.
///
/// # Errors
/// When a store is away; what was removed stays removed.
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
    // Last: until here they lead the clean-up to whatever an erasure that broke off has left.
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

/// A worker whose action was cancelled may be storing one more object: waits until it has.
async fn wait_for_stragglers(
    dependencies: &Dependencies,
    account: &str,
    lease: Duration,
) -> Result<(), ErasureError> {
    let grace_ms = i64::try_from((lease + LONGEST_REQUEST).as_millis()).unwrap_or(i64::MAX);
    let wait_ms = db::stragglers_gone_in_ms(&dependencies.pool, account, grace_ms).await?;
    if wait_ms > 0 {
        tracing::info!(wait_ms, "waiting until no worker can be at an action that was just ended");
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
