//! Processes a claimed chunk. The results object is stored while the transaction is open, because its ids come from the
//! statements and it must exist before the chunk is done. Its key contains the attempt, so that an attempt that does
//! not commit leaves no valid results.

use std::time::Duration;

use bulk_core::chunk::{ChunkDecodeError, ChunkRow, ChunkRows, RowOutcome, content_hash, decode_chunk};
use bulk_core::db::{self, ChunkClaim, DbError, FinishedChunk, FrozenError};
use bulk_core::dependencies::Dependencies;
use bulk_core::entity::{ApplyRequest, ColumnMap, Entity};
use bulk_core::health::Outage;
use bulk_core::storage::{StorageError, keys};
use sqlx::PgConnection;
use thiserror::Error;

use crate::results::ChunkResults;

/// Reason why a chunk was not processed.
#[derive(Debug, Error)]
pub(crate) enum ChunkError {
    /// The object with its rows is missing.
    #[error("the chunk's object is missing from object storage")]
    ObjectMissing,
    /// The object with its rows has changed since it was written.
    #[error("the chunk's object is damaged: its {size_bytes} bytes are not those that were stored")]
    ObjectChanged {
        /// Current size.
        size_bytes: usize,
    },
    /// The object is unchanged, but cannot be decoded.
    #[error("the chunk's object is damaged: {0}")]
    ObjectDamaged(#[from] ChunkDecodeError),
    /// The declaration of its upload cannot be read.
    #[error(transparent)]
    Entity(#[from] FrozenError),
    /// The chunk was cut under another declaration than its action's.
    #[error("the chunk's columns are not those of its entity's declaration")]
    OtherColumns,
    /// A defect: the code panicked.
    #[error("processing the chunk panicked; the worker's standard error says where")]
    Panicked,
    /// The shutdown timeout has passed.
    #[error("the worker stops")]
    OutOfTime,
    /// The chunk takes long, and another account waits for its slot.
    #[error("the chunk gives its slot to others")]
    Overrun,
    /// Object storage is unavailable.
    #[error(transparent)]
    Storage(StorageError),
    /// The lease is lost, the database is unreachable, or it refused a statement for a reason other than a row's data.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl ChunkError {
    /// The error as an outage, if waiting may help; the attempt is not counted.
    pub(crate) fn outage(&self) -> Option<Outage> {
        match self {
            Self::Storage(error) => error.outage(),
            Self::Database(error) => error.outage(),
            Self::Entity(error) => error.outage(),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for ChunkError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Processes a claimed chunk and commits it. Storing the results may take as long as a lease: the database ends an idle
/// transaction after the same time.
pub(crate) async fn process_chunk(
    dependencies: &Dependencies,
    claim: &ChunkClaim,
    max_in_flight: i64,
    lease: Duration,
) -> Result<FinishedChunk, ChunkError> {
    let key = keys::chunk(&claim.account_id, claim.lease.chunk);
    let object = dependencies.store.get(&key).await.map_err(|error| match error {
        StorageError::NotFound => ChunkError::ObjectMissing,
        error => ChunkError::Storage(error),
    })?;
    // An object that differs from the recorded one must not be applied: it is not what the chunking worker checked.
    if content_hash(&object) != claim.content_hash {
        return Err(ChunkError::ObjectChanged { size_bytes: object.len() });
    }
    let (header, rows) = decode_chunk(&object, claim.row_count)?;
    drop(object);
    let frozen = &dependencies.entities;
    let entity = frozen.get(&dependencies.pool, &claim.entity_type, claim.entity_hash).await?;
    let layout = entity.layout(&header, &claim.mapping, &claim.intake, claim.action_type);
    let map = layout.map_err(|_| ChunkError::OtherColumns)?.map;

    let mut tx = dependencies.pool.begin().await?;
    let applied = apply(&mut tx, &entity, &map, claim, &rows).await?;
    let results = ChunkResults::new(&rows, applied);
    // Before `finish_chunk`, which locks the action's row: a slow store must not hold that lock.
    let key = keys::results(&claim.account_id, claim.lease.chunk, claim.lease.attempt);
    let stored =
        tokio::time::timeout(lease, dependencies.store.put(&key, results.encode(&header, &rows))).await;
    let stored = stored.unwrap_or_else(|_| Err(too_slow(lease))).map_err(ChunkError::Storage)?;
    let results_size = i64::try_from(stored.size_bytes).unwrap_or(i64::MAX);
    let counts = results.counts();
    let finished = db::finish_chunk(&mut tx, &claim.lease, &counts, results_size, max_in_flight).await?;
    tx.commit().await?;

    results.report(claim, &rows);
    Ok(finished)
}

fn too_slow(limit: Duration) -> StorageError {
    StorageError::Unavailable(format!("results were not stored within {} ms", limit.as_millis()))
}

async fn apply(
    conn: &mut PgConnection,
    entity: &Entity,
    map: &ColumnMap,
    claim: &ChunkClaim,
    rows: &ChunkRows,
) -> Result<Vec<RowOutcome>, ChunkError> {
    let accepted: Vec<ChunkRow<'_>> = rows.iter().filter(|row| row.refusal().is_none()).collect();
    let request = ApplyRequest {
        account: &claim.account_id,
        action: claim.action_type.in_effect(claim.on_conflict),
        on_conflict: claim.on_conflict,
        dry_run: claim.dry_run,
        map,
        rows: &accepted,
    };
    Ok(entity.apply(conn, &request).await?)
}
