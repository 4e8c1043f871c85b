//! Reads `multipart/form-data` piece by piece, holding no more than one piece of the body and a part's head.
//!
//! Our own and not `multer` (which axum's extractor uses): that keeps everything until a head or a boundary is complete and
//! searches all of it again with each piece, so that a head that never ends took hundreds of megabytes and a processor; a
//! limit in front of it would have to find the heads, and so be this parser. It follows RFC 7578 and what browsers and curl
//! send; what comes before the first boundary and after the last is passed over.

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use memchr::memmem::{self, Finder};
use thiserror::Error;

use super::pace::Pace;
use super::part_head::PartHead;
use crate::error::ApiError;

/// A head names the part, its file and its type: three lines.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// What is passed over: text before the first boundary, or the rest of a part that nobody wants.
const MAX_SKIPPED_BYTES: usize = 8 * 1024 * 1024;

/// Why a body cannot be read.
#[derive(Debug, Error)]
pub(super) enum MultipartError {
    /// The body ended too early.
    #[error("the multipart body is damaged or incomplete: it ends before its closing boundary")]
    Incomplete,
    /// The connection broke.
    #[error("the multipart body is damaged or incomplete: the connection broke")]
    Broken,
    /// A boundary is followed by something else than a new line.
    #[error("the multipart body is damaged or incomplete: a boundary is not followed by a line end")]
    BadBoundary,
    /// The head of a part does not end.
    #[error("the head of a part must have at most {MAX_HEAD_BYTES} bytes")]
    HeadTooLong,
    /// More was to be passed over than is worth it.
    #[error("a part that is not wanted is too long")]
    TooMuchSkipped,
    /// The caller sends too slowly.
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

/// Where in the body the next byte is.
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
    /// Read and not handed out.
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
            // The first boundary needs no new line before it.
            pending: Bytes::from_static(b"\r\n"),
            boundary,
            place: Place::BeforeFirst,
        }
    }

    /// The head of the next part, with what is left of the one before passed over; none after the last.
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
        if self.place == Place::Ended {
            return Ok(None);
        }
        while self.pending.len() < 2 {
            self.read_on().await?;
        }
        if self.pending.starts_with(b"--") {
            self.place = Place::Ended;
            return Ok(None);
        }
        let head = self.head().await?;
        // Blanks may stand between a boundary and its line end.
        let start = memmem::find(&head, b"\r\n").unwrap_or(head.len());
        if head[..start].iter().any(|byte| !b" \t".contains(byte)) {
            return Err(MultipartError::BadBoundary);
        }
        self.place = Place::Content;
        Ok(Some(PartHead::parse(&head[start..])))
    }

    /// The next piece of the part; none at its end.
    ///
    /// # Errors
    /// [`MultipartError`].
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, MultipartError> {
        if self.place == Place::Content { self.piece().await } else { Ok(None) }
    }

    /// The next piece before a boundary; none once the boundary has been taken.
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
            let sure = self.pending.len() - self.possible_start();
            if sure > 0 {
                return Ok(Some(self.pending.split_to(sure)));
            }
            self.read_on().await?;
        }
    }

    /// How many bytes at the end of what is pending could be the start of a boundary.
    fn possible_start(&self) -> usize {
        let needle = self.boundary.needle();
        let longest = self.pending.len().min(needle.len() - 1);
        let ends_with = |length: &usize| self.pending.ends_with(&needle[..*length]);
        (1..=longest).rev().find(ends_with).unwrap_or(0)
    }

    /// What stands between a boundary and the empty line after it.
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
            if self.pending.len() > MAX_HEAD_BYTES {
                return Err(MultipartError::HeadTooLong);
            }
            self.read_on().await?;
        }
    }

    /// Waits for the next piece of the body. Only what may be the start of something is ever pending, so that little is
    /// copied.
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
