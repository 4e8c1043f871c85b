//! What an upload has stored while it is no action yet. It is noted in the database before the first byte is stored, and
//! removed when this value goes without having become an action: by [`PendingUpload::discard`], or when the request's
//! future is dropped because the caller hung up. If that fails too, the reconciler finds the note.

use std::time::{Duration, Instant};

use bulk_core::db::{self, IdempotencyKey, Insertion, NewAction, QuotaExceeded, Quotas};
use bulk_core::dependencies::Dependencies;
use bulk_core::storage::{StorageError, StoredObject, Upload, keys};
use tokio::io::AsyncRead;
use tokio::task::JoinHandle;
use tracing::Instrument;
use uuid::Uuid;

use crate::error::ApiError;
use crate::state::AppState;

/// How often the note of a slow upload is renewed, long before the reconciler would take it for abandoned.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// An upload that has not become an action.
pub(crate) struct PendingUpload {
    state: AppState,
    account: String,
    id: Uuid,
    /// Where the file that is read goes.
    key: String,
    /// There once something may be stored, until it belongs to an action.
    upload: Option<Upload>,
    /// A workbook, whose sheet's text is the file that is read.
    workbook: Option<Upload>,
    renewed_at: Instant,
    /// Bytes that the account has room for.
    room_bytes: u64,
    written_bytes: u64,
}

impl PendingUpload {
    /// An upload of which nothing is stored.
    pub(crate) fn new(state: AppState, account: String) -> Self {
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

    /// Asks how much the account has room for, so that what it has none for is refused before it has come. What counts is the
    /// question that is asked when the action is created.
    ///
    /// # Errors
    /// [`ApiError::QuotaExceeded`] where there is none at all, or when the database is away.
    pub(crate) async fn ask_for_room(&mut self) -> Result<(), ApiError> {
        let pool = &self.state.dependencies.pool;
        self.room_bytes = db::room_for_upload(pool, &self.account, &quotas(&self.state)).await??;
        Ok(())
    }

    /// The id that the action will have.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Whose it is.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// Where the file that is read goes.
    pub(crate) fn key(&self) -> String {
        self.key.clone()
    }

    /// Notes the upload; to be called before the first write.
    ///
    /// # Errors
    /// When the database is away.
    pub(super) async fn begin(&mut self) -> Result<(), ApiError> {
        let key = self.key();
        // First, so that a note whose confirmation was lost is cleaned up like any other.
        self.upload = Some(self.state.dependencies.store.upload(&key));
        db::begin_upload(&self.state.dependencies.pool, self.id, &self.account, &key).await?;
        Ok(())
    }

    /// Like [`PendingUpload::begin`], for a workbook: it is stored first, and then its sheet's text beside it.
    ///
    /// # Errors
    /// When the database is away.
    pub(super) async fn begin_workbook(&mut self) -> Result<(), ApiError> {
        self.key = keys::sheet(&self.account, self.id);
        self.workbook = Some(self.state.dependencies.store.upload(&keys::uploaded(&self.key)));
        self.begin().await
    }

    /// Stores a piece of the workbook.
    ///
    /// # Errors
    /// When the database or object storage is away, or the account has no room for it.
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
    /// When object storage is away.
    pub(super) async fn finish_workbook(&mut self) -> Result<(), ApiError> {
        self.workbook.as_mut().ok_or_else(not_begun)?.finish().await?;
        Ok(())
    }

    /// Stores a piece of the file.
    ///
    /// # Errors
    /// When the database or object storage is away, or the account has no room for it.
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
    /// When object storage is away.
    pub(super) async fn finish(&mut self) -> Result<StoredObject, ApiError> {
        Ok(self.begun()?.finish().await?)
    }

    /// Reads the file, which is complete.
    ///
    /// # Errors
    /// When object storage is away.
    pub(super) async fn reopen(&self) -> Result<impl AsyncRead + Send + Unpin + use<>, ApiError> {
        Ok(self.state.dependencies.store.open(&self.key()).await?)
    }

    /// Creates the action, to which everything stored belongs from then on; unless its key was used before, or the account
    /// has no room for it.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn become_action(
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

    /// Removes what is stored, unless it belongs to an action, and waits for it, so that nothing is left when the caller
    /// gets the answer.
    pub(crate) async fn discard(mut self) {
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

    fn begun(&mut self) -> Result<&mut Upload, ApiError> {
        self.upload.as_mut().ok_or_else(not_begun)
    }

    async fn renew(&mut self) -> Result<(), ApiError> {
        let multipart_id = self.upload.as_ref().and_then(Upload::multipart_id);
        if !db::touch_upload(&self.state.dependencies.pool, self.id, multipart_id).await? {
            let lost = "the upload was silent for so long that it was taken for abandoned";
            return Err(ApiError::Unavailable(Some(lost.into())));
        }
        self.renewed_at = Instant::now();
        Ok(())
    }

    /// Starts the clean-up in a task of its own: the request that would run it may be gone.
    fn clean_up(&mut self) -> Option<JoinHandle<()>> {
        let upload = self.upload.take()?;
        let workbook = self.workbook.take();
        let (dependencies, id, key) = (self.state.dependencies.clone(), self.id, self.key());
        let cleaning = async move {
            if let Err(error) = remove(&dependencies, id, upload, workbook, &key).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an upload waits to be removed later"
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
    mut upload: Upload,
    workbook: Option<Upload>,
    key: &str,
) -> Result<(), ApiError> {
    // A commit whose confirmation was lost may have made it an action after all, and then the file is the action's.
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
