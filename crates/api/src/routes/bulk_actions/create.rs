//! `POST /bulk-actions`: accepts a file and creates an action.

use api_types::CreatedView;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bulk_core::db::{self, Bell, IdempotencyKey, Insertion, NewAction, StoredFile};
use bulk_core::storage::StoredObject;
use chrono::{DateTime, Utc};
use tracing::Span;
use uuid::Uuid;

use super::created;
use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::{CanWrite, NO_SUCH_ACTION};
use crate::openapi::IdempotencyKeyText;
use crate::state::AppState;
use crate::trace;
use crate::upload::{
    Cut, Parts, PendingUpload, Received, check_content_length, cut, idempotency_key, receive,
};

/// Maximum bytes per chunk: wide rows make chunks with fewer rows, which bounds the memory of a worker.
const CHUNK_SIZE_BYTES: i32 = 1024 * 1024;

/// Uploads a CSV file and creates an action on its rows. Problems with fields, header, size or row count are reported
/// in the response, and nothing is stored then.
#[utoipa::path(
    post,
    path = "/bulk-actions",
    operation_id = "createBulkAction",
    tag = "bulk actions",
    params((
        "Idempotency-Key" = Option<IdempotencyKeyText>,
        Header,
        description = "Repeating the upload with the same key and payload within 24 hours returns the first action",
    )),
    responses(
        (
            status = 201,
            description = "The action was created",
            body = Success<CreatedView>,
            headers(("Location" = String, description = "URL of the action")),
        ),
        (
            status = 200,
            description = "The action that an earlier request with this Idempotency-Key created",
            body = Success<CreatedView>,
            headers(("Location" = String, description = "URL of the action")),
        ),
        (status = 400, description = "Fields, header or file break a rule; `error.details` names each"),
        (status = 408, description = "The body arrived too slowly"),
        (status = 409, description = "The Idempotency-Key was used with another payload"),
        (status = 413, description = "Too many bytes (`file_too_large`) or rows (`too_many_rows`)"),
        (status = 415, description = "Not multipart/form-data, or the file is not a table"),
        (status = 429, description = "Too many uploads of this account, in the last minute or in progress (`rate_limited`), or it \
            has as much as it may have (`quota_exceeded`)"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    CanWrite(account): CanWrite,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let mut parts = Parts::new(&headers, body)?;
    check_content_length(&headers, state.config.upload.max_file_size_bytes)?;
    let _place = state.shares.uploads.take(&account).await?;
    accept(&state, account, &headers, &mut parts).await
}

async fn accept(
    state: &AppState,
    account: String,
    headers: &HeaderMap,
    parts: &mut Parts,
) -> Result<Response, ApiError> {
    let config = &state.config.upload;
    let key = idempotency_key(headers)?;
    let earlier = match &key {
        Some(key) => db::find_key(&state.dependencies.pool, &account, key).await?,
        None => None,
    };
    let mut pending = PendingUpload::new(state.clone(), account);
    if earlier.is_none() {
        pending.ask_for_room().await?;
    }
    let answer = match receive(parts, &mut pending, &state.entities, config, earlier.is_some()).await {
        Ok(received) => record(state, &mut pending, received, key).await,
        Err(error) => Err(error),
    };
    pending.discard().await;
    answer
}

/// Records the received file as an action and rings the bell, or responds with the earlier action of the idempotency
/// key.
async fn record(
    state: &AppState,
    pending: &mut PendingUpload,
    received: Received,
    key: Option<String>,
) -> Result<Response, ApiError> {
    let payload_hash = received.payload_hash;
    let key = key.map(|key| IdempotencyKey { key, payload_hash });
    let action = new_action(state, pending, received)?;
    match pending.become_action(&action, key.as_ref()).await? {
        Insertion::Created(created_at) => Ok(announce(state, action, created_at)),
        Insertion::KeyUsed(earlier) if earlier.payload_hash == payload_hash => {
            repeated(state, pending.account(), earlier.action_id).await
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

fn announce(state: &AppState, action: NewAction, created_at: DateTime<Utc>) -> Response {
    Span::current().record("actionId", action.id.to_string());
    tracing::info!(
        actionId = %action.id,
        entityType = action.entity_type,
        actionType = action.action_type.as_str(),
        rows = action.total_rows,
        "action created"
    );
    if action.scheduled_at.is_none() {
        let bell = Bell::File { action_id: action.id, traceparent: action.traceparent.clone() };
        state.ring_later(vec![bell]);
    }
    let view = created::of_new(action, created_at);
    (StatusCode::CREATED, created::location(view.id), success("Bulk action created", view)).into_response()
}

async fn repeated(state: &AppState, account: &str, id: Uuid) -> Result<Response, ApiError> {
    Span::current().record("actionId", id.to_string());
    tracing::info!("an upload was repeated");
    let found = db::find_action(&state.dependencies.pool, account, id).await?;
    let view = created::of_existing(&found.ok_or(NO_SUCH_ACTION)?, &state.config.retention);
    Ok((created::location(view.id), success("Bulk action created by an earlier request", view))
        .into_response())
}

fn stored_file(stored: StoredObject) -> Result<StoredFile, ApiError> {
    let size_bytes = stored.size_bytes.try_into().map_err(ApiError::internal)?;
    Ok(StoredFile { size_bytes, etag: stored.etag })
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
