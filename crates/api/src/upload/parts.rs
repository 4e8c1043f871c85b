//! The parts of the multipart body, with limits on everything that is not the file, and on silence.

use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use tokio::time::timeout;

use crate::error::ApiError;

/// More than there are fields; whoever sends more is not uploading a file.
const MAX_PARTS: usize = 32;
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// What the fields and the multipart syntax may add to the file, for a body that declares its length.
const MAX_OVERHEAD_BYTES: u64 = 4 * 1024 * 1024;
/// A caller who sends nothing for so long has gone.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// How much of a refused body is still read, and for how long. A caller who is cut off while sending may never see why;
/// most send less than this.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The parts of a body, one after another.
pub(crate) struct Parts {
    body: Multipart,
    taken: usize,
}

/// Refuses a body that says beforehand that it is too long.
///
/// # Errors
/// [`ApiError::FileTooLarge`].
pub(crate) fn check_content_length(headers: &HeaderMap, max_file_size_bytes: u64) -> Result<(), ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length: u64 = length.and_then(|text| text.parse().ok()).unwrap_or_default();
    if length > max_file_size_bytes.saturating_add(MAX_OVERHEAD_BYTES) {
        return Err(too_large(max_file_size_bytes));
    }
    Ok(())
}

/// The refusal of a file that is larger than `MAX_FILE_SIZE_MB`.
pub(super) fn too_large(max_file_size_bytes: u64) -> ApiError {
    ApiError::FileTooLarge(format!(
        "the file is larger than {max_file_size_bytes} bytes: split it into several files"
    ))
}

impl Parts {
    /// The parts of `body`.
    pub(crate) fn new(body: Multipart) -> Self {
        Self { body, taken: 0 }
    }

    /// The next part, with what is left of the one before skipped.
    ///
    /// # Errors
    /// When the body is damaged or its sender has gone.
    pub(super) async fn next(&mut self) -> Result<Option<Field<'_>>, ApiError> {
        if self.taken == MAX_PARTS {
            return Err(ApiError::invalid("body", format!("must have at most {MAX_PARTS} parts")));
        }
        self.taken += 1;
        in_time(self.body.next_field()).await
    }

    /// Reads on after a refusal, so that a caller who sends the whole body before looking at the answer gets to see it.
    pub(crate) async fn drain(mut self) {
        let _ = timeout(DRAIN_TIME, async {
            let mut drained = 0;
            while let Ok(Some(mut part)) = self.body.next_field().await {
                while let Ok(Some(piece)) = part.chunk().await {
                    drained += piece.len();
                    if drained > DRAIN_BYTES {
                        return;
                    }
                }
            }
        })
        .await;
    }
}

/// The next piece of a part.
///
/// # Errors
/// When the body is damaged or its sender has gone.
pub(super) async fn next_piece(part: &mut Field<'_>) -> Result<Option<Bytes>, ApiError> {
    in_time(part.chunk()).await
}

/// The whole of a text field.
///
/// # Errors
/// When it is too long or no text, or the body is damaged.
pub(super) async fn read_text(part: &mut Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(part).await? {
        if bytes.len() + piece.len() > MAX_TEXT_BYTES {
            let field = part.name().unwrap_or_default();
            return Err(ApiError::invalid(field, format!("must have at most {MAX_TEXT_BYTES} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::invalid(part.name().unwrap_or_default(), "must be UTF-8 text"))
}

async fn in_time<T>(next: impl Future<Output = Result<T, MultipartError>>) -> Result<T, ApiError> {
    match timeout(MAX_SILENCE, next).await {
        Ok(Ok(next)) => Ok(next),
        Ok(Err(_)) => Err(ApiError::invalid("body", "the multipart body is damaged or incomplete")),
        Err(_) => Err(ApiError::invalid("body", "nothing was sent for too long")),
    }
}
