//! From the body of an upload to a recorded action, whose file the workers are told of.

use bulk_core::db::{self, ActionRecord, IdempotencyKey, Insertion, NewAction, StoredFile};
use bulk_core::queue::Job;
use bulk_core::storage::StoredObject;
use chrono::{DateTime, Utc};
use tracing::Span;
use uuid::Uuid;

use super::cut::{Cut, cut};
use super::parts::Parts;
use super::pending::PendingUpload;
use super::receive::{Received, receive};
use crate::error::ApiError;
use crate::extract::NO_SUCH_ACTION;
use crate::state::AppState;
use crate::trace;

/// Maximum bytes per chunk: wide rows make chunks with fewer rows, which bounds the memory of a worker.
const CHUNK_SIZE_BYTES: i32 = 1024 * 1024;

/// The action of an upload.
pub(crate) enum Recorded {
    /// A new action, with the time of its creation.
    New(NewAction, DateTime<Utc>),
    /// The action that an earlier upload with the same idempotency key and payload created.
    Earlier(ActionRecord),
}

/// Receives the body and records it as an action of the account. Nothing is left of an upload that becomes none.
///
/// # Errors
/// The reason for rejecting the upload, or the failure.
pub(crate) async fn record(
    state: &AppState,
    account: String,
    key: Option<String>,
    parts: &mut Parts,
) -> Result<Recorded, ApiError> {
    let earlier = match &key {
        Some(key) => db::find_key(&state.dependencies.pool, &account, key).await?,
        None => None,
    };
    let mut pending = PendingUpload::new(state.clone(), account);
    if earlier.is_none() {
        pending.ask_for_room().await?;
    }
    let config = &state.config.upload;
    let recorded = match receive(parts, &mut pending, &state.entities, config, earlier.is_some()).await {
        Ok(received) => insert(state, &mut pending, received, key).await,
        Err(error) => Err(error),
    };
    pending.discard().await;
    recorded
}

/// Records the received file as an action and rings the bell, or finds the earlier action of the idempotency key.
async fn insert(
    state: &AppState,
    pending: &mut PendingUpload,
    received: Received,
    key: Option<String>,
) -> Result<Recorded, ApiError> {
    let payload_hash = received.payload_hash;
    let key = key.map(|key| IdempotencyKey { key, payload_hash });
    let action = new_action(state, pending, received)?;
    match pending.become_action(&action, key.as_ref()).await? {
        Insertion::Created(created_at) => {
            announce(state, &action);
            Ok(Recorded::New(action, created_at))
        }
        Insertion::KeyUsed(earlier) if earlier.payload_hash == payload_hash => {
            find_earlier(state, pending.account(), earlier.action_id).await
        }
        Insertion::OverQuota(exceeded) => Err(exceeded.into()),
        Insertion::UploadLost => {
            Err(ApiError::Unavailable(Some("the upload was removed before it was complete".into())))
        }
        Insertion::KeyUsed(_) => Err(ApiError::Conflict(
            "this Idempotency-Key was used with other fields or another file within the last 24 hours"
                .to_owned(),
        )),
    }
}

fn announce(state: &AppState, action: &NewAction) {
    Span::current().record("actionId", action.id.to_string());
    tracing::info!(
        actionId = %action.id,
        entityType = action.entity_type,
        actionType = action.action_type.as_str(),
        rows = action.total_rows,
        "action created"
    );
    if action.scheduled_at.is_none() {
        let bell = Job::File { action_id: action.id, traceparent: action.traceparent.clone() };
        state.ring_later(vec![bell]);
    }
}

async fn find_earlier(state: &AppState, account: &str, id: Uuid) -> Result<Recorded, ApiError> {
    Span::current().record("actionId", id.to_string());
    tracing::info!("an upload was repeated");
    let found = db::find_action(&state.dependencies.pool, account, id).await?;
    found.map(Recorded::Earlier).ok_or(NO_SUCH_ACTION)
}

fn new_action(state: &AppState, pending: &PendingUpload, received: Received) -> Result<NewAction, ApiError> {
    let Received { request, file_name, stored, workbook, row_count, rules, payload_hash: _ } = received;
    let Cut { chunk_size, partitions } = cut(row_count, &rules, &state.config.upload);
    Ok(NewAction {
        id: pending.id(),
        account_id: pending.account().to_owned(),
        entity_type: request.entity.name().to_owned(),
        entity_hash: request.entity.source().hash,
        entity_declaration: request.entity.source().text.clone(),
        action_type: request.action_type,
        configuration: request.configuration,
        scheduled_at: request.scheduled_at,
        file_name,
        file_key: pending.key(),
        file: stored_file(stored)?,
        workbook: workbook.map(stored_file).transpose()?,
        total_rows: row_count.try_into().map_err(ApiError::internal)?,
        chunk_size,
        chunk_size_bytes: CHUNK_SIZE_BYTES,
        partitions,
        traceparent: trace::current().to_traceparent(),
    })
}

fn stored_file(stored: StoredObject) -> Result<StoredFile, ApiError> {
    let size_bytes = stored.size_bytes.try_into().map_err(ApiError::internal)?;
    Ok(StoredFile { size_bytes, etag: stored.etag })
}
