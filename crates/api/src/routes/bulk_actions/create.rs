//! `POST /bulk-actions`: accepts a file and creates an action.

use api_types::CreatedView;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::created;
use crate::envelope::{Success, success};
use crate::error::ApiError;
use crate::extract::CanWrite;
use crate::state::AppState;
use crate::upload::{
    IdempotencyKeyText, Parts, Recorded, UploadForm, check_content_length, idempotency_key, record,
};

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
    request_body(content = UploadForm, content_type = "multipart/form-data"),
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
    let key = idempotency_key(&headers)?;
    Ok(match record(&state, account, key, &mut parts).await? {
        Recorded::New(action, created_at) => {
            let view = created::of_new(action, created_at);
            let location = created::location(view.id);
            (StatusCode::CREATED, location, success("Bulk action created", view)).into_response()
        }
        Recorded::Earlier(action) => {
            let view = created::of_existing(&action, &state.config.retention);
            let message = "Bulk action created by an earlier request";
            (created::location(view.id), success(message, view)).into_response()
        }
    })
}
