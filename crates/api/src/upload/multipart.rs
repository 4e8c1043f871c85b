//! Parses `multipart/form-data` incrementally, with at most one piece of the body and one part head in memory.
//!
//! Own code instead of `multer` (used by axum's extractor): that crate buffers until a head or a boundary is complete
//! and searches the whole buffer again with each piece, so a head that never ends took hundreds of megabytes and a
//! processor (not reported upstream; multer can replace this once it limits heads). A limit in front of it would have
//! to find the heads, and so be this parser. It follows RFC 7578 and the behaviour of browsers and curl. Text before
//! the first and after the last boundary is skipped.

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use memchr::memmem::{self, Finder};
use thiserror::Error;

use super::pace::Pace;
use super::part_head::PartHead;
use crate::error::ApiError;

/// Maximum size of a part head, which has three lines: name, file and type.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Maximum of skipped bytes: text before the first boundary, or the rest of a part that is not wanted.
const MAX_SKIPPED_BYTES: usize = 8 * 1024 * 1024;

/// Reason why a body cannot be read.
#[derive(Debug, Error)]
pub(super) enum MultipartError {
    /// The body ended too early.
    #[error("the multipart body is damaged or incomplete: it ends before its closing boundary")]
    Incomplete,
    /// The connection broke.
    #[error("the multipart body is damaged or incomplete: the connection broke")]
    Broken,
    /// A boundary is followed by something other than a line break.
    #[error("the multipart body is damaged or incomplete: a boundary is not followed by a line end")]
    BadBoundary,
    /// The head of a part is too long.
    #[error("the head of a part must have at most {MAX_HEAD_BYTES} bytes")]
    HeadTooLong,
    /// Too many bytes would have to be skipped.
    #[error("a part that is not wanted is too long")]
    TooMuchSkipped,
    /// The client sends too slowly.
    #[error("too slow")]
    TooSlow(ApiError),
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        match error {
            MultipartError::TooSlow(error) => error,
            error => Self::invalid("body", error.to_string()),
        }
    }
}

/// Position of the next byte within the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeFirst,
    Content,
    /// After a boundary.
    Between,
    Ended,
}

/// A multipart body.
pub(super) struct Multipart {
    body: BodyDataStream,
    pace: Pace,
    /// Bytes that were read and not returned yet.
    pending: Bytes,
    boundary: Finder<'static>,
    place: Place,
}

impl Multipart {
    /// A body whose parts are separated by `boundary`.
    pub(super) fn new(body: Body, boundary: &str) -> Self {
        let boundary = Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        Self {
            body: body.into_data_stream(),
            pace: Pace::default(),
            // The first boundary has no line break before it.
            pending: Bytes::from_static(b"\r\n"),
            boundary,
            place: Place::BeforeFirst,
        }
    }

    /// The head of the next part, after skipping the rest of the current one; `None` after the last part.
    ///
    /// # Errors
    /// [`MultipartError`].
    pub(super) async fn next_part(&mut self) -> Result<Option<PartHead>, MultipartError> {
        let mut skipped_bytes = 0;
        while matches!(self.place, Place::BeforeFirst | Place::Content)
            && let Some(piece) = self.piece().await?
        {
            skipped_bytes += piece.len();
            if skipped_bytes > MAX_SKIPPED_BYTES {
                return Err(MultipartError::TooMuchSkipped);
            }
        }
        // The closing boundary may already have been found while reading a part.
        if self.place == Place::Ended {
            return Ok(None);
        }
        while self.pending.len() < 2 {
            self.read_on().await?;
        }
        // `--` after a boundary marks the last one.
        if self.pending.starts_with(b"--") {
            self.place = Place::Ended;
            return Ok(None);
        }
        let head = self.head().await?;
        // White space is allowed between a boundary and its line break.
        let start = memmem::find(&head, b"\r\n").unwrap_or(head.len());
        if head[..start].iter().any(|byte| !b" \t".contains(byte)) {
            return Err(MultipartError::BadBoundary);
        }
        self.place = Place::Content;
        Ok(Some(PartHead::parse(&head[start..])))
    }

    /// The next piece of the part; `None` at its end.
    ///
    /// # Errors
    /// [`MultipartError`].
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, MultipartError> {
        if self.place == Place::Content { self.piece().await } else { Ok(None) }
    }

    /// The next piece before a boundary; `None` once the boundary has been consumed.
    async fn piece(&mut self) -> Result<Option<Bytes>, MultipartError> {
        loop {
            match self.boundary.find(&self.pending) {
                Some(0) => {
                    let length = self.boundary.needle().len();
                    drop(self.pending.split_to(length));
                    self.place = Place::Between;
                    return Ok(None);
                }
                Some(at) => return Ok(Some(self.pending.split_to(at))),
                None => {}
            }
            // Bytes that cannot belong to a boundary are returned at once, so that nothing accumulates here.
            let sure = self.pending.len() - self.possible_start();
            if sure > 0 {
                return Ok(Some(self.pending.split_to(sure)));
            }
            self.read_on().await?;
        }
    }

    /// Number of bytes at the end of `pending` that could be the start of a boundary.
    fn possible_start(&self) -> usize {
        let needle = self.boundary.needle();
        let longest = self.pending.len().min(needle.len() - 1);
        let ends_with = |length: &usize| self.pending.ends_with(&needle[..*length]);
        (1..=longest).rev().find(ends_with).unwrap_or(0)
    }

    /// The text between a boundary and the empty line after it.
    async fn head(&mut self) -> Result<Bytes, MultipartError> {
        loop {
            if let Some(end) = memmem::find(&self.pending, b"\r\n\r\n") {
                if end > MAX_HEAD_BYTES {
                    return Err(MultipartError::HeadTooLong);
                }
                let head = self.pending.split_to(end);
                drop(self.pending.split_to(b"\r\n\r\n".len()));
                return Ok(head);
            }
            // Checked before every read, so that a head without an end is rejected after 8 KiB.
            if self.pending.len() > MAX_HEAD_BYTES {
                return Err(MultipartError::HeadTooLong);
            }
            self.read_on().await?;
        }
    }

    /// Waits for the next piece of the body. At most the start of a boundary or a head is pending, so little is copied.
    async fn read_on(&mut self) -> Result<(), MultipartError> {
        let read = self.pace.wait(self.body.next()).await.map_err(MultipartError::TooSlow)?;
        let piece = read.ok_or(MultipartError::Incomplete)?.map_err(|_| MultipartError::Broken)?;
        self.pace.received(piece.len());
        if self.pending.is_empty() {
            self.pending = piece;
        } else {
            let mut joined = BytesMut::with_capacity(self.pending.len() + piece.len());
            joined.extend_from_slice(&self.pending);
            joined.extend_from_slice(&piece);
            self.pending = joined.freeze();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
