//! `POST /bulk-actions`: takes a file and creates an action.

use axum::Json;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bulk_core::action::ActionStatus;
use bulk_core::db::{Bell, NewAction};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::view::FileView;
use crate::envelope::{Success, Timestamp};
use crate::error::ApiError;
use crate::extract::CanWrite;
use crate::state::AppState;
use crate::trace;
use crate::upload::{Parts, PendingUpload, Received, check_content_length, partition_count, receive};

/// Most bytes of a chunk: wide rows make chunks of fewer rows, so that a worker's memory has a bound.
const CHUNK_SIZE_BYTES: i32 = 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedView {
    id: Uuid,
    status: ActionStatus,
    total_entities: i64,
    scheduled_at: Option<Timestamp>,
    created_at: Timestamp,
    file: FileView,
    processing: ProcessingView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessingView {
    message: String,
    job_id: Uuid,
}

pub(super) async fn create(
    State(state): State<AppState>,
    CanWrite(account): CanWrite,
    headers: HeaderMap,
    body: Result<Multipart, MultipartRejection>,
) -> Result<Response, ApiError> {
    let body = body.map_err(|_| no_multipart(&headers))?;
    accept(&state, account, &headers, &mut Parts::new(body)).await
}

/// 415 for another kind of body, 400 for the right kind without the line that separates its parts.
fn no_multipart(headers: &HeaderMap) -> ApiError {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("multipart/form-data") {
        return ApiError::invalid(
            "Content-Type",
            "must name the boundary between the parts: multipart/form-data; boundary=…",
        );
    }
    ApiError::UnsupportedMediaType("send the upload as multipart/form-data".to_owned())
}

async fn accept(
    state: &AppState,
    account: String,
    headers: &HeaderMap,
    parts: &mut Parts,
) -> Result<Response, ApiError> {
    let config = &state.config.upload;
    check_content_length(headers, config.max_file_size_bytes)?;
    let mut pending = PendingUpload::new(state.clone(), account);
    let created = match receive(parts, &mut pending, config).await {
        Ok(received) => record(state, &mut pending, received).await,
        Err(error) => Err(error),
    };
    if created.is_err() {
        pending.discard().await;
    }
    created
}

/// Makes the received file an action, and rings for it.
async fn record(
    state: &AppState,
    pending: &mut PendingUpload,
    received: Received,
) -> Result<Response, ApiError> {
    let action = new_action(state, pending, received)?;
    Span::current().record("actionId", action.id.to_string());
    let created_at = pending.become_action(&action).await?;
    tracing::info!(
        actionId = %action.id,
        entityType = action.entity_type,
        actionType = action.action_type.as_str(),
        rows = action.total_rows,
        "action created"
    );
    if action.scheduled_at.is_none() {
        ring(state, &action);
    }
    let location = format!("/bulk-actions/{}", action.id);
    let answer = Success::new("Bulk action created", created_view(action, created_at));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
}

fn new_action(state: &AppState, pending: &PendingUpload, received: Received) -> Result<NewAction, ApiError> {
    let Received { request, file_name, stored, row_count, rules } = received;
    let config = &state.config.upload;
    Ok(NewAction {
        id: pending.id(),
        account_id: pending.account().to_owned(),
        entity_type: request.entity.name().to_owned(),
        action_type: request.action_type,
        configuration: request.configuration,
        scheduled_at: request.scheduled_at,
        file_name,
        file_key: pending.key(),
        file_size_bytes: stored.size_bytes.try_into().map_err(ApiError::internal)?,
        file_etag: stored.etag,
        total_rows: row_count.try_into().map_err(ApiError::internal)?,
        chunk_size: config.chunk_size.try_into().map_err(ApiError::internal)?,
        chunk_size_bytes: CHUNK_SIZE_BYTES,
        partitions: partition_count(row_count, &rules, config),
        traceparent: trace::current().to_traceparent(),
    })
}

/// Rings without keeping the caller waiting: a bell that nobody hears is rung again by the reconciler.
fn ring(state: &AppState, action: &NewAction) {
    let bell = Bell::Chunking { action_id: action.id, traceparent: action.traceparent.clone() };
    let queue = state.dependencies.queue.clone();
    let ringing = async move {
        if let Err(error) = queue.ring(&[bell]).await {
            tracing::warn!(%error, "could not ring for the action; the reconciler will");
        }
    };
    state.running.spawn(ringing.instrument(Span::current()));
}

fn created_view(action: NewAction, created_at: DateTime<Utc>) -> CreatedView {
    let (status, message) = match action.scheduled_at {
        None => (ActionStatus::Queued, "queued".to_owned()),
        Some(at) => (ActionStatus::Scheduled, format!("scheduled for {}", at.to_rfc3339())),
    };
    CreatedView {
        id: action.id,
        status,
        total_entities: action.total_rows,
        scheduled_at: action.scheduled_at.map(Timestamp),
        created_at: created_at.into(),
        file: FileView {
            file_name: action.file_name,
            file_path: action.file_key,
            file_size: action.file_size_bytes,
            etag: action.file_etag,
            // The action and its file are recorded in one statement, at one instant.
            uploaded_at: created_at.into(),
            download_url: None,
        },
        processing: ProcessingView { message, job_id: action.id },
    }
}
