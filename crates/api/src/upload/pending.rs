//! Stored parts of an upload that is not an action yet. The upload is recorded in the database before the first byte is
//! stored. Everything is removed if this value does not become an action: by [`PendingUpload::discard`], or when the
//! request's future is dropped because the client disconnected. If that fails too, the reconciler finds the record.

use std::time::{Duration, Instant};

use bulk_core::db::{self, IdempotencyKey, Insertion, NewAction, QuotaExceeded, Quotas};
use bulk_core::dependencies::Dependencies;
use bulk_core::storage::{ObjectUpload, StorageError, StoredObject, keys};
use tokio::io::AsyncRead;
use tokio::task::JoinHandle;
use tracing::Instrument;
use uuid::Uuid;

use crate::error::ApiError;
use crate::state::AppState;

/// Interval of renewing the record of a slow upload, long before the reconciler would consider it abandoned.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// An upload that has not become an action.
pub(super) struct PendingUpload {
    state: AppState,
    account: String,
    id: Uuid,
    /// Object key of the file that the workers read.
    key: String,
    /// Set once something may be stored, until it belongs to an action.
    upload: Option<ObjectUpload>,
    /// The workbook, if one was uploaded; the workers read its sheet's text.
    workbook: Option<ObjectUpload>,
    renewed_at: Instant,
    /// Bytes that the account's quota still allows.
    room_bytes: u64,
    written_bytes: u64,
}

impl PendingUpload {
    /// An upload with nothing stored.
    pub(super) fn new(state: AppState, account: String) -> Self {
        let id = Uuid::now_v7();
        let key = keys::raw(&account, id);
        Self {
            state,
            account,
            id,
            key,
            upload: None,
            workbook: None,
            renewed_at: Instant::now(),
            room_bytes: u64::MAX,
            written_bytes: 0,
        }
    }

    /// Reads the remaining quota of the account, so that a file that exceeds it is rejected early. The check at the
    /// creation of the action is the authoritative one.
    ///
    /// # Errors
    /// [`ApiError::QuotaExceeded`] if nothing is left, or if the database is unreachable.
    pub(super) async fn ask_for_room(&mut self) -> Result<(), ApiError> {
        let pool = &self.state.dependencies.pool;
        self.room_bytes = db::room_for_upload(pool, &self.account, &quotas(&self.state)).await??;
        Ok(())
    }

    /// Id of the future action.
    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    /// Account of the upload.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Object key of the file that the workers read.
    pub(super) fn key(&self) -> String {
        self.key.clone()
    }

    /// Records the upload. Must be called before the first write.
    ///
    /// # Errors
    /// If the database is unreachable or refuses the statement.
    pub(super) async fn begin(&mut self) -> Result<(), ApiError> {
        let key = self.key();
        // Set first, so that a record whose confirmation was lost is cleaned up like any other.
        self.upload = Some(self.state.dependencies.store.upload(&key));
        db::begin_upload(&self.state.dependencies.pool, self.id, &self.account, &key).await?;
        Ok(())
    }

    /// Like [`PendingUpload::begin`], for a workbook, which is stored first, followed by its sheet's text.
    ///
    /// # Errors
    /// If the database is unreachable or refuses the statement.
    pub(super) async fn begin_workbook(&mut self) -> Result<(), ApiError> {
        self.key = keys::sheet(&self.account, self.id);
        self.workbook = Some(self.state.dependencies.store.upload(&keys::uploaded(&self.key)));
        self.begin().await
    }

    /// Stores a piece of the workbook.
    ///
    /// # Errors
    /// If the database or object storage is unavailable, or the quota is exceeded.
    pub(super) async fn write_workbook(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        self.take_room(piece)?;
        let part_stored = self.workbook.as_mut().ok_or_else(not_begun)?.write(piece).await?;
        if part_stored || self.renewed_at.elapsed() > RENEW_EVERY {
            self.renew().await?;
        }
        Ok(())
    }

    /// Completes the workbook.
    ///
    /// # Errors
    /// If object storage is unavailable.
    pub(super) async fn finish_workbook(&mut self) -> Result<StoredObject, ApiError> {
        Ok(self.workbook.as_mut().ok_or_else(not_begun)?.finish().await?)
    }

    /// Stores a piece of the file.
    ///
    /// # Errors
    /// If the database or object storage is unavailable, or the quota is exceeded.
    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        self.take_room(piece)?;
        let part_stored = self.begun()?.write(piece).await?;
        if part_stored || self.renewed_at.elapsed() > RENEW_EVERY {
            self.renew().await?;
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If object storage is unavailable.
    pub(super) async fn finish(&mut self) -> Result<StoredObject, ApiError> {
        Ok(self.begun()?.finish().await?)
    }

    /// Opens the completed file for reading.
    ///
    /// # Errors
    /// If object storage is unavailable.
    pub(super) async fn reopen(&self) -> Result<impl AsyncRead + Send + Unpin + use<>, ApiError> {
        Ok(self.state.dependencies.store.open(&self.key()).await?)
    }

    /// Creates the action, which owns everything stored from then on. Fails if the idempotency key was used before or
    /// the quota is exceeded.
    ///
    /// # Errors
    /// If the database is unreachable or refuses the statement.
    pub(super) async fn become_action(
        &mut self,
        action: &NewAction,
        key: Option<&IdempotencyKey>,
    ) -> Result<Insertion, ApiError> {
        let pool = &self.state.dependencies.pool;
        let insertion = db::insert_action(pool, action, key, &quotas(&self.state)).await?;
        if matches!(insertion, Insertion::Created(_)) {
            (self.upload, self.workbook) = (None, None);
        }
        Ok(insertion)
    }

    /// Removes everything stored that does not belong to an action, and waits for it, so that nothing is left when the
    /// client gets the response.
    pub(super) async fn discard(mut self) {
        if let Some(cleaning) = self.clean_up() {
            let _ = cleaning.await;
        }
    }

    fn take_room(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        self.written_bytes += piece.len() as u64;
        if self.written_bytes > self.room_bytes {
            let allowed = quotas(&self.state).max_stored_bytes.unwrap_or_default();
            return Err(QuotaExceeded::StoredBytes { used: allowed - self.room_bytes, allowed }.into());
        }
        Ok(())
    }

    fn begun(&mut self) -> Result<&mut ObjectUpload, ApiError> {
        self.upload.as_mut().ok_or_else(not_begun)
    }

    async fn renew(&mut self) -> Result<(), ApiError> {
        let multipart_id = self.upload.as_ref().and_then(ObjectUpload::multipart_id);
        if !db::touch_upload(&self.state.dependencies.pool, self.id, multipart_id).await? {
            let lost = "the upload was silent for so long that it was taken for abandoned";
            return Err(ApiError::Unavailable(Some(lost.into())));
        }
        self.renewed_at = Instant::now();
        Ok(())
    }

    /// Starts the clean-up in its own task, because the request that would run it may be gone.
    fn clean_up(&mut self) -> Option<JoinHandle<()>> {
        let upload = self.upload.take()?;
        let workbook = self.workbook.take();
        let (dependencies, id, key) = (self.state.dependencies.clone(), self.id, self.key());
        let cleaning = async move {
            if let Err(error) = remove(&dependencies, id, upload, workbook, &key).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an upload could not be removed; the clean-up will remove it"
                );
            }
        };
        Some(self.state.running.spawn(cleaning.in_current_span()))
    }
}

fn quotas(state: &AppState) -> Quotas {
    let limits = &state.config.upload;
    Quotas {
        max_open_actions: limits.max_open_actions_per_account,
        max_stored_bytes: limits.max_stored_bytes_per_account,
    }
}

impl Drop for PendingUpload {
    fn drop(&mut self) {
        self.clean_up();
    }
}

async fn remove(
    dependencies: &Dependencies,
    id: Uuid,
    mut upload: ObjectUpload,
    workbook: Option<ObjectUpload>,
    key: &str,
) -> Result<(), ApiError> {
    // A commit whose confirmation was lost may have created the action, which then owns the file.
    if !db::touch_upload(&dependencies.pool, id, upload.multipart_id()).await?
        && !db::is_abandoned(&dependencies.pool, id).await?
    {
        return Ok(());
    }
    if let Some(mut workbook) = workbook {
        workbook.abort().await?;
        remove_object(dependencies, &keys::uploaded(key)).await?;
    }
    upload.abort().await?;
    remove_object(dependencies, key).await?;
    db::end_upload(&dependencies.pool, id).await?;
    Ok(())
}

async fn remove_object(dependencies: &Dependencies, key: &str) -> Result<(), ApiError> {
    match dependencies.store.delete(key).await {
        Ok(()) | Err(StorageError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn not_begun() -> ApiError {
    ApiError::internal("the upload was written to before it was begun")
}
