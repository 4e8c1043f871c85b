//! The parts of the multipart body, with limits on speed and on everything except the file.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;

use super::multipart::Multipart;
use super::part_head::{PartHead, parameters};
use crate::error::ApiError;

/// More than there are fields; a client that sends more is not uploading a file.
const MAX_PARTS: usize = 32;
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Maximum text of all fields together: only `mapping` is ever long.
const MAX_TEXT_BYTES_IN_ALL: usize = 256 * 1024;
/// Bytes that fields and multipart syntax may add to the file, for a body with a declared length.
const MAX_OVERHEAD_BYTES: u64 = 4 * 1024 * 1024;
/// Maximum length of a boundary (RFC 2046).
const MAX_BOUNDARY_CHARS: usize = 70;

/// The parts of a body, in order.
pub(crate) struct Parts {
    body: Multipart,
    taken: usize,
    text_bytes_left: usize,
}

/// A part that arrives at an acceptable pace.
pub(super) struct Part<'a> {
    head: PartHead,
    body: &'a mut Multipart,
    text_bytes_left: &'a mut usize,
}

/// Rejects a body whose declared length is too large.
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

/// The error for a file larger than `MAX_FILE_SIZE_MB`.
pub(super) fn too_large(max_file_size_bytes: u64) -> ApiError {
    ApiError::FileTooLarge(format!(
        "the file is larger than {max_file_size_bytes} bytes: split it into several files"
    ))
}

impl Parts {
    /// The parts of `body`.
    ///
    /// # Errors
    /// 415 for another type of body, 400 for a missing boundary.
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

    /// The next part, after skipping the rest of the current one.
    ///
    /// # Errors
    /// If the body is damaged or the client is gone.
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
    /// Name of the part.
    pub(super) fn name(&self) -> Option<&str> {
        self.head.name.as_deref()
    }

    /// The client's name for the file.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.head.file_name.as_deref()
    }

    /// Type of the content.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// The next piece.
    ///
    /// # Errors
    /// If the body is damaged, or the client is gone or too slow.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        Ok(self.body.next_piece().await?)
    }

    /// The whole text of a field.
    ///
    /// # Errors
    /// If it is too long or not text, or the body is damaged.
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
