//! The parts of the multipart body, with limits on everything that is not the file, and on slowness.

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::{HeaderMap, header};
use bytes::Bytes;

use super::pace::Pace;
use crate::error::ApiError;

/// More than there are fields; whoever sends more is not uploading a file.
const MAX_PARTS: usize = 32;
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// What the fields and the multipart syntax may add to the file, for a body that declares its length.
const MAX_OVERHEAD_BYTES: u64 = 4 * 1024 * 1024;
/// The parts of a body, one after another.
pub(crate) struct Parts {
    body: Multipart,
    pace: Pace,
    taken: usize,
}

/// A part whose pieces come at a tolerable pace.
pub(super) struct Part<'a> {
    field: Field<'a>,
    pace: &'a mut Pace,
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
        Self { body, pace: Pace::default(), taken: 0 }
    }

    /// The next part, with what is left of the one before skipped.
    ///
    /// # Errors
    /// When the body is damaged or its sender has gone.
    pub(super) async fn next(&mut self) -> Result<Option<Part<'_>>, ApiError> {
        if self.taken == MAX_PARTS {
            return Err(ApiError::invalid("body", format!("must have at most {MAX_PARTS} parts")));
        }
        self.taken += 1;
        let field = self.pace.wait(self.body.next_field()).await?.map_err(|error| damaged(&error))?;
        Ok(field.map(|field| Part { field, pace: &mut self.pace }))
    }
}

impl Part<'_> {
    /// Its name.
    pub(super) fn name(&self) -> Option<&str> {
        self.field.name()
    }

    /// The client's name for the file in it.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The kind of its content.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.field.content_type()
    }

    /// The next piece.
    ///
    /// # Errors
    /// When the body is damaged, or its sender has gone or is too slow.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        let piece = self.pace.wait(self.field.chunk()).await?.map_err(|error| damaged(&error))?;
        self.pace.received(piece.as_ref().map_or(0, Bytes::len));
        Ok(piece)
    }

    /// The whole of a text field.
    ///
    /// # Errors
    /// When it is too long or no text, or the body is damaged.
    pub(super) async fn read_text(&mut self) -> Result<String, ApiError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            if bytes.len() + piece.len() > MAX_TEXT_BYTES {
                let field = self.name().unwrap_or_default();
                return Err(ApiError::invalid(field, format!("must have at most {MAX_TEXT_BYTES} bytes")));
            }
            bytes.extend_from_slice(&piece);
        }
        String::from_utf8(bytes)
            .map_err(|_| ApiError::invalid(self.name().unwrap_or_default(), "must be UTF-8 text"))
    }
}

/// What went wrong with a multipart body.
fn damaged(error: &MultipartError) -> ApiError {
    ApiError::invalid("body", format!("the multipart body is damaged or incomplete ({})", error.body_text()))
}
