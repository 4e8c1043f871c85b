//! The parts of the multipart body, with limits on everything that is not the file, and on slowness.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;

use super::multipart::Multipart;
use super::part_head::{PartHead, parameters};
use crate::error::ApiError;

/// More than there are fields; whoever sends more is not uploading a file.
const MAX_PARTS: usize = 32;
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Text of all fields together: only one of them, `mapping`, is ever long.
const MAX_TEXT_BYTES_IN_ALL: usize = 256 * 1024;
/// What the fields and the multipart syntax may add to the file, for a body that declares its length.
const MAX_OVERHEAD_BYTES: u64 = 4 * 1024 * 1024;
/// RFC 2046.
const MAX_BOUNDARY_CHARS: usize = 70;

/// The parts of a body, one after another.
pub(crate) struct Parts {
    body: Multipart,
    taken: usize,
    text_bytes_left: usize,
}

/// A part whose pieces come at a tolerable pace.
pub(super) struct Part<'a> {
    head: PartHead,
    body: &'a mut Multipart,
    text_bytes_left: &'a mut usize,
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
    ///
    /// # Errors
    /// 415 for another kind of body, 400 for the right kind without the line that separates its parts.
    pub(crate) fn new(headers: &HeaderMap, body: Body) -> Result<Self, ApiError> {
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("multipart/form-data") {
            return Err(ApiError::UnsupportedMediaType("send the upload as multipart/form-data".to_owned()));
        }
        let named =
            parameters(content_type).into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
        match named {
            Some((_, boundary)) if (1..=MAX_BOUNDARY_CHARS).contains(&boundary.chars().count()) => {
                let body = Multipart::new(body, &boundary);
                Ok(Self { body, taken: 0, text_bytes_left: MAX_TEXT_BYTES_IN_ALL })
            }
            _ => Err(ApiError::invalid(
                "Content-Type",
                "must name the boundary between the parts: multipart/form-data; boundary=…",
            )),
        }
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
        let Some(head) = self.body.next_part().await? else { return Ok(None) };
        Ok(Some(Part { head, body: &mut self.body, text_bytes_left: &mut self.text_bytes_left }))
    }
}

impl Part<'_> {
    /// Its name.
    pub(super) fn name(&self) -> Option<&str> {
        self.head.name.as_deref()
    }

    /// The client's name for the file in it.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.head.file_name.as_deref()
    }

    /// The kind of its content.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// The next piece.
    ///
    /// # Errors
    /// When the body is damaged, or its sender has gone or is too slow.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        Ok(self.body.next_piece().await?)
    }

    /// The whole of a text field.
    ///
    /// # Errors
    /// When it is too long or no text, or the body is damaged.
    pub(super) async fn read_text(&mut self) -> Result<String, ApiError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            if bytes.len() + piece.len() > MAX_TEXT_BYTES {
                return Err(self.refusal(format!("must have at most {MAX_TEXT_BYTES} bytes")));
            }
            *self.text_bytes_left = self.text_bytes_left.checked_sub(piece.len()).ok_or_else(|| {
                self.refusal(format!("the fields together must have at most {MAX_TEXT_BYTES_IN_ALL} bytes"))
            })?;
            bytes.extend_from_slice(&piece);
        }
        String::from_utf8(bytes).map_err(|_| self.refusal("must be UTF-8 text".to_owned()))
    }

    fn refusal(&self, message: String) -> ApiError {
        ApiError::invalid(self.name().unwrap_or_default(), message)
    }
}
