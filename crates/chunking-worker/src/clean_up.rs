//! Removes what nothing needs any more: what abandoned uploads have stored, the working objects of actions that ended long
//! ago, and idempotency keys whose time is over. The leading reconciler runs it beside its rounds, since object storage
//! may be slow. Everything here can be broken off at any point and done again.

use std::collections::HashMap;
use std::time::Duration;

use bulk_core::action::ActionStatus;
use bulk_core::db::{self, FinishedAction};
use bulk_core::dependencies::Dependencies;
use bulk_core::storage::StorageError;
use bulk_core::storage::keys::{self, ObjectKind};
use thiserror::Error;

/// An upload from which no byte has come for this long is abandoned.
const UPLOAD_SILENCE: Duration = Duration::from_secs(3600);
/// Keys removed in one statement.
const KEYS_PER_STATEMENT: i64 = 1000;
/// Actions looked up at a time.
const ACTIONS_PER_READ: i64 = 10;

/// Why a clean-up broke off.
#[derive(Debug, Error)]
pub enum CleanUpError {
    /// The database is away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Object storage is away.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The clean-up of one worker. Cheap to clone.
#[derive(Clone)]
pub struct CleanUp {
    dependencies: Dependencies,
    /// How long the chunk objects of finished actions are kept; `None` is for ever.
    chunk_retention: Option<Duration>,
}

impl CleanUp {
    /// A clean-up; [`CleanUp::run`] does it once.
    #[must_use]
    pub fn new(dependencies: Dependencies, chunk_retention: Option<Duration>) -> Self {
        Self { dependencies, chunk_retention }
    }

    /// Removes everything that is due.
    ///
    /// # Errors
    /// When the database or object storage is away; what is left is found again.
    pub async fn run(&self) -> Result<(), CleanUpError> {
        self.remove_expired_keys().await?;
        self.remove_orphaned_uploads().await?;
        self.clean_finished_actions().await
    }

    async fn remove_expired_keys(&self) -> Result<(), CleanUpError> {
        while db::remove_expired_keys(&self.dependencies.pool, KEYS_PER_STATEMENT).await? > 0 {}
        Ok(())
    }

    async fn remove_orphaned_uploads(&self) -> Result<(), CleanUpError> {
        let (pool, store) = (&self.dependencies.pool, &self.dependencies.store);
        for upload in db::orphaned_uploads(pool, millis(UPLOAD_SILENCE)).await? {
            if let Some(multipart_id) = &upload.multipart_id {
                store.abort_upload(&upload.object_key, multipart_id).await?;
            }
            store.delete(&upload.object_key).await?;
            db::end_upload(pool, upload.action_id).await?;
            tracing::info!(actionId = %upload.action_id, "removed an abandoned upload");
        }
        Ok(())
    }

    async fn clean_finished_actions(&self) -> Result<(), CleanUpError> {
        let Some(retention) = self.chunk_retention else { return Ok(()) };
        let pool = &self.dependencies.pool;
        loop {
            let actions = db::actions_to_clean(pool, millis(retention), ACTIONS_PER_READ).await?;
            if actions.is_empty() {
                return Ok(());
            }
            for action in actions {
                let objects = self.clean(&action).await?;
                db::mark_cleaned(pool, &action).await?;
                tracing::info!(actionId = %action.id, accountId = action.account_id, objects, "cleaned up an action");
            }
        }
    }

    /// Removes the objects of an action that nothing needs any more, and says how many there were. It lists what is there
    /// rather than what should be: workers that died have left objects that no table knows.
    async fn clean(&self, action: &FinishedAction) -> Result<usize, CleanUpError> {
        let store = &self.dependencies.store;
        let committed = db::committed_attempts(&self.dependencies.pool, action.id).await?;
        let prefix = keys::action_prefix(&action.account_id, action.id);
        let (mut removed, mut last) = (0, None);
        loop {
            let mut found = store.list(&prefix, last.as_deref()).await?;
            let Some(end) = found.last().cloned() else { return Ok(removed) };
            last = Some(end);
            found.retain(|key| {
                keys::kind(&prefix, key).is_some_and(|object| !is_needed(object, action.status, &committed))
            });
            store.delete_all(&found).await?;
            removed += found.len();
        }
    }
}

/// Whether an object of a finished action may still be read. Committed chunks never change, so what is not needed once they
/// are known is never needed again, even if a failed action is tried again at this moment.
fn is_needed(object: ObjectKind, status: ActionStatus, committed: &HashMap<(i16, i32), i32>) -> bool {
    let may_go_on = status == ActionStatus::Failed;
    match object {
        ObjectKind::Chunk { partition, seq } => may_go_on && !committed.contains_key(&(partition, seq)),
        ObjectKind::Results { partition, seq, attempt } => {
            committed.get(&(partition, seq)).map_or(may_go_on, |&counts| counts == attempt)
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_that_count_are_kept_and_a_failed_action_keeps_what_a_retry_needs() {
        let committed = HashMap::from([((0, 0), 2)]);
        let chunk = |seq| ObjectKind::Chunk { partition: 0, seq };
        let results = |seq, attempt| ObjectKind::Results { partition: 0, seq, attempt };
        for status in [ActionStatus::Completed, ActionStatus::Cancelled, ActionStatus::Failed] {
            let failed = status == ActionStatus::Failed;
            assert!(!is_needed(chunk(0), status, &committed));
            assert!(is_needed(results(0, 2), status, &committed));
            assert!(!is_needed(results(0, 1), status, &committed));
            assert_eq!(is_needed(chunk(1), status, &committed), failed);
            assert_eq!(
                is_needed(results(1, 1), status, &committed),
                failed,
                "a retry may be about to commit it"
            );
        }
    }
}
