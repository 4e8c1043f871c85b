//! Deletes objects whose removal has been decided ([`db::Removal`]). It lists the stored objects instead of computing
//! the expected ones, because dead workers leave objects that no table knows. An object that the store does not delete
//! does not block the others of its action; it is retried later. Every step can be interrupted and repeated.

use std::time::Duration;

use sqlx::PgPool;
use thiserror::Error;
use uuid::Uuid;

use crate::chunk::ChunkPlace;
use crate::db::{self, ActionObjects, Removal, RemovalPart};
use crate::dependencies::Dependencies;
use crate::storage::keys::{self, ObjectKind};
use crate::storage::{ObjectStore, StorageError};
use crate::telemetry::metrics::{OBJECTS_REMOVED, REMOVAL_FAILURES};

/// Undeletable objects of one action after which the rest is left for the next attempt.
const MAX_REFUSED: usize = 100;
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LONGEST_RETRY: Duration = Duration::from_secs(6 * 3600);

/// A store is unavailable, so nothing can be removed now.
#[derive(Debug, Error)]
pub enum RemovalError {
    /// PostgreSQL is unavailable.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Object storage is unavailable.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Result of deleting a list of objects.
#[derive(Debug, Default)]
pub struct Deleted {
    /// Deleted objects.
    pub removed: usize,
    /// Objects that the store did not delete.
    pub refused: usize,
    /// The store's reason for the first of them.
    pub reason: Option<String>,
}

/// Carries out a removal and records its completion or the next attempt. Returns false if it will be retried.
///
/// # Errors
/// If a store is unavailable. The removal stays due, and the attempt is not counted.
pub async fn carry_out(dependencies: &Dependencies, removal: &Removal) -> Result<bool, RemovalError> {
    let (pool, part) = (&dependencies.pool, removal.part.as_str());
    let (deleted, chunks) = delete_objects(dependencies, removal).await?;
    metrics::counter!(OBJECTS_REMOVED, "part" => part).increment(deleted.removed as u64);
    let reason = if deleted.refused > 0 {
        let reason = deleted.reason.unwrap_or_default();
        format!("{} objects cannot be deleted: {reason}", deleted.refused)
    } else {
        match db::removal_done(pool, removal, &chunks).await {
            Ok(()) => {
                tracing::info!(
                    actionId = %removal.action_id,
                    accountId = removal.account_id,
                    part,
                    objects = deleted.removed,
                    "removed objects"
                );
                return Ok(true);
            }
            Err(error) if db::is_outage(&error) => return Err(error.into()),
            // The error concerns this removal only, so later removals must not wait for it.
            Err(error) => format!("the end of the removal was refused: {error}"),
        }
    };
    put_off(pool, removal, &reason).await?;
    Ok(false)
}

async fn put_off(pool: &PgPool, removal: &Removal, reason: &str) -> sqlx::Result<()> {
    let part = removal.part.as_str();
    metrics::counter!(REMOVAL_FAILURES, "part" => part).increment(1);
    let delay = retry_after(removal.failures);
    tracing::warn!(
        actionId = %removal.action_id,
        accountId = removal.account_id,
        part,
        failures = removal.failures + 1,
        reason,
        "objects were not removed; they are tried again later"
    );
    db::removal_failed(pool, removal, reason, crate::millis(delay)).await
}

fn retry_after(failures: i32) -> Duration {
    let doublings = u32::try_from(failures).unwrap_or_default().min(16);
    FIRST_RETRY.saturating_mul(1 << doublings).min(LONGEST_RETRY)
}

async fn delete_objects(
    dependencies: &Dependencies,
    removal: &Removal,
) -> Result<(Deleted, Vec<ChunkPlace>), RemovalError> {
    let store = &dependencies.store;
    let known = match removal.part {
        RemovalPart::Working => db::action_objects(&dependencies.pool, removal.action_id).await?,
        _ => None,
    };
    let prefix = keys::action_prefix(&removal.account_id, removal.action_id);
    let mut chunks = Vec::new();
    let mut deleted = delete_under(store, &prefix, |key| {
        let kind = keys::kind(&prefix, key);
        let is_due = is_due(removal.part, kind, known.as_ref());
        if let (true, Some(ObjectKind::Chunk { partition, seq })) = (is_due, kind) {
            chunks.push(ChunkPlace { partition, seq });
        }
        is_due
    })
    .await?;
    if let Some(multipart_id) = &removal.multipart_id
        && let Err(error) =
            abort_file_upload(store, &removal.account_id, removal.action_id, multipart_id).await
    {
        store.bucket_exists().await?;
        deleted.refuse(error.to_string());
    }
    Ok((deleted, chunks))
}

/// Aborts a multipart upload under each key that the file of an action may have. Some servers report an error for an
/// unknown upload and others do not, so one success is enough.
pub(crate) async fn abort_file_upload(
    store: &ObjectStore,
    account: &str,
    action_id: Uuid,
    multipart_id: &str,
) -> Result<(), StorageError> {
    let [raw, sheet] = keys::read(account, action_id);
    let first = store.abort_upload(&raw, multipart_id).await;
    store.abort_upload(&sheet, multipart_id).await.or(first)
}

/// True if an object belongs to this part of an action and may be deleted.
fn is_due(part: RemovalPart, kind: Option<ObjectKind>, known: Option<&ActionObjects>) -> bool {
    match part {
        RemovalPart::Everything => true,
        RemovalPart::File => !matches!(kind, Some(ObjectKind::Results { .. })),
        RemovalPart::Results => matches!(kind, Some(ObjectKind::Results { .. })),
        RemovalPart::Working => match (kind, known) {
            (Some(kind), Some(known)) => !is_needed(kind, known),
            _ => false,
        },
    }
}

/// True if a chunk or results object may still be read. Committed chunks never change, so an object that is not needed
/// now is never needed again, even if a failed action is retried at this moment.
fn is_needed(object: ObjectKind, known: &ActionObjects) -> bool {
    use crate::action::ActionStatus::{Cancelled, Completed};
    let may_go_on = !matches!(known.status, Completed | Cancelled);
    match object {
        ObjectKind::Chunk { partition, seq } => {
            may_go_on && !known.committed.contains_key(&ChunkPlace { partition, seq })
        }
        ObjectKind::Results { partition, seq, attempt } => {
            known.committed.get(&ChunkPlace { partition, seq }).map_or(may_go_on, |&counts| counts == attempt)
        }
    }
}

/// Deletes the objects below `prefix` that `is_due` selects, and skips those that the store does not delete.
///
/// # Errors
/// If object storage is unavailable.
pub(crate) async fn delete_under(
    store: &ObjectStore,
    prefix: &str,
    mut is_due: impl FnMut(&str) -> bool,
) -> Result<Deleted, StorageError> {
    let (mut deleted, mut last) = (Deleted::default(), None);
    while deleted.refused < MAX_REFUSED {
        let mut found = store.list(prefix, last.as_deref()).await?;
        let Some(end) = found.last().cloned() else { break };
        last = Some(end);
        found.retain(|key| is_due(key));
        deleted.delete(store, found).await?;
    }
    Ok(deleted)
}

impl Deleted {
    /// Deletes up to a thousand objects. If the store refuses the request, the list is halved until the refused objects
    /// are found.
    async fn delete(&mut self, store: &ObjectStore, keys: Vec<String>) -> Result<(), StorageError> {
        let mut waiting = vec![keys];
        while let Some(mut batch) = waiting.pop() {
            match store.delete_all(&batch).await {
                Ok(refused) => {
                    self.removed += batch.len() - refused.len().min(batch.len());
                    refused.into_iter().for_each(|reason| self.refuse(reason));
                }
                Err(error) => {
                    // If even the bucket cannot be checked, the store is down and has not refused particular objects.
                    store.bucket_exists().await?;
                    if batch.len() > 1 && self.refused < MAX_REFUSED {
                        waiting.push(batch.split_off(batch.len() / 2));
                        waiting.push(batch);
                    } else {
                        batch.iter().for_each(|_| self.refuse(error.to_string()));
                    }
                }
            }
        }
        Ok(())
    }

    fn refuse(&mut self, reason: String) {
        self.refused += 1;
        self.reason.get_or_insert(reason);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::action::ActionStatus;

    const RAW: Option<ObjectKind> = None;

    fn chunk(seq: i32) -> ObjectKind {
        ObjectKind::Chunk { partition: 0, seq }
    }

    fn results(seq: i32, attempt: i32) -> ObjectKind {
        ObjectKind::Results { partition: 0, seq, attempt }
    }

    #[test]
    fn results_that_count_are_kept_and_what_goes_on_keeps_what_it_needs() {
        for status in ActionStatus::ALL {
            let first = ChunkPlace { partition: 0, seq: 0 };
            let known = ActionObjects { status, committed: HashMap::from([(first, 2)]) };
            let may_go_on = !matches!(status, ActionStatus::Completed | ActionStatus::Cancelled);
            let is_due = |kind| is_due(RemovalPart::Working, kind, Some(&known));
            assert!(is_due(Some(chunk(0))));
            assert!(!is_due(Some(results(0, 2))));
            assert!(is_due(Some(results(0, 1))));
            assert_eq!(is_due(Some(chunk(1))), !may_go_on);
            assert_eq!(is_due(Some(results(1, 1))), !may_go_on, "a retry may be about to commit it");
            assert!(!is_due(RAW));
        }
    }

    #[test]
    fn the_file_goes_with_its_chunks_and_results_go_alone() {
        let gone_with =
            |part| [RAW, Some(chunk(0)), Some(results(0, 1))].map(|kind| is_due(part, kind, None));
        assert_eq!(gone_with(RemovalPart::File), [true, true, false]);
        assert_eq!(gone_with(RemovalPart::Results), [false, false, true]);
        assert_eq!(gone_with(RemovalPart::Everything), [true, true, true]);
        assert_eq!(gone_with(RemovalPart::Working), [false, false, false], "the action is gone");
    }

    #[test]
    fn pauses_grow_to_some_hours() {
        assert_eq!(retry_after(0), FIRST_RETRY);
        assert_eq!(retry_after(3), 8 * FIRST_RETRY);
        assert_eq!(retry_after(i32::MAX), LONGEST_RETRY);
    }
}
