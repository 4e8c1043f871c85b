//! The content of an upload, streamed and never held as a whole.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use reqwest::Body;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::ReaderStream;

use crate::ClientError;

const PIECE_BYTES: usize = 64 * 1024;

type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The bytes of an upload.
#[derive(Clone)]
pub struct Source(Kind);

#[derive(Clone)]
enum Kind {
    File(PathBuf),
    Bytes(Bytes),
    /// Taken by the first body that starts reading it.
    Reader(Arc<Mutex<Option<Reader>>>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::File(_) => "file",
            Kind::Bytes(_) => "bytes",
            Kind::Reader(_) => "reader",
        })
    }
}

/// Progress and error of a body.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    sent_bytes: AtomicU64,
    failure: Mutex<Option<io::Error>>,
}

/// A body for one attempt.
pub(crate) struct Reading {
    pub(crate) body: Body,
    pub(crate) length: Option<u64>,
    pub(crate) meter: Arc<Meter>,
}

impl Source {
    /// A file, opened for each attempt. Anything but a regular file, such as a named pipe, is read once.
    ///
    /// # Errors
    /// If it cannot be opened, or is a directory.
    pub async fn file(path: &Path) -> Result<Self, ClientError> {
        let failed = |error| ClientError::Source { name: path.display().to_string(), error };
        let file = File::open(path).await.map_err(failed)?;
        let metadata = file.metadata().await.map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        Ok(if metadata.is_file() { Self(Kind::File(path.to_owned())) } else { Self::reader(file) })
    }

    /// Bytes in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }

    /// A source of unknown length that is read once, such as standard input or the output of another command.
    pub fn reader(reader: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Self(Kind::Reader(Arc::new(Mutex::new(Some(Box::new(reader))))))
    }

    /// Path of the file, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::File(path) => Some(path),
            _ => None,
        }
    }

    /// True if it can be read from its start (again).
    pub(crate) fn is_readable(&self) -> bool {
        match &self.0 {
            Kind::Reader(reader) => reader.lock().unwrap_or_else(PoisonError::into_inner).is_some(),
            _ => true,
        }
    }

    /// Starts reading. `progress` is called with the number of bytes passed to the connection so far, and whether they
    /// are all.
    pub(crate) async fn open(
        &self,
        progress: impl Fn(u64, bool) + Send + Sync + 'static,
    ) -> Result<Reading, ClientError> {
        let meter = Arc::new(Meter::default());
        let (length, body) = match &self.0 {
            Kind::Bytes(bytes) => {
                // In pieces, so that progress is visible.
                let bytes = bytes.clone();
                let length = bytes.len() as u64;
                let pieces = stream::unfold(bytes, |mut rest| async move {
                    let piece = rest.split_to(rest.len().min(PIECE_BYTES));
                    (!piece.is_empty()).then_some((Ok(piece), rest))
                });
                (Some(length), metered(pieces, &meter, progress))
            }
            Kind::File(path) => {
                let failed = |error| ClientError::Source { name: path.display().to_string(), error };
                let file = File::open(path).await.map_err(failed)?;
                let length = file.metadata().await.map_err(failed)?.len();
                // A file that grows meanwhile must not exceed the declared length.
                let pieces = ReaderStream::with_capacity(file.take(length), PIECE_BYTES);
                (Some(length), metered(pieces, &meter, progress))
            }
            Kind::Reader(slot) => {
                let slot = slot.clone();
                // Taken only when the connection requests the first piece, so that an attempt without a connection
                // leaves it unread.
                let pieces = stream::once(async move {
                    let taken = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let reader: Reader = taken.unwrap_or_else(|| Box::new(tokio::io::empty()));
                    ReaderStream::with_capacity(reader, PIECE_BYTES)
                });
                (None, metered(pieces.flatten(), &meter, progress))
            }
        };
        Ok(Reading { body, length, meter })
    }
}

impl Meter {
    /// The error that ended reading early, if any.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn metered(
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    meter: &Arc<Meter>,
    progress: impl Fn(u64, bool) + Send + Sync + 'static,
) -> Body {
    let progress = Arc::new(progress);
    let (counting, ending) = (meter.clone(), meter.clone());
    let (counted, ended) = (progress.clone(), progress);
    let counted = pieces.map(move |piece| match piece {
        Ok(piece) => {
            let length = piece.len() as u64;
            counted(counting.sent_bytes.fetch_add(length, Ordering::AcqRel) + length, false);
            Ok(piece)
        }
        Err(error) => {
            // The connection sees only that there was an error; the error itself is kept for the caller.
            let kind = error.kind();
            *counting.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Err(io::Error::from(kind))
        }
    });
    let end = stream::once(async move {
        let failed = ending.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        ended(ending.sent_bytes.load(Ordering::Acquire), !failed);
        None
    });
    Body::wrap_stream(counted.map(Some).chain(end).filter_map(std::future::ready))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_and_a_missing_file_are_said_by_name() {
        let directory = Source::file(Path::new("/")).await.unwrap_err();
        assert!(directory.to_string().contains("cannot read /: "), "{directory}");
        let missing = Source::file(Path::new("/no/such.csv")).await.unwrap_err();
        assert!(missing.to_string().contains("/no/such.csv"), "{missing}");
    }

    #[tokio::test]
    async fn a_pipe_can_be_tried_again_until_it_was_read_from() {
        let source = Source::reader(&b"a\n1\n"[..]);
        let unread = source.open(|_, _| {}).await.unwrap();
        drop(unread);
        assert!(source.is_readable());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let seeing = seen.clone();
        let read =
            source.open(move |bytes, is_whole| seeing.lock().unwrap().push((bytes, is_whole))).await.unwrap();
        assert_eq!(read.length, None);
        let mut pieces = Box::pin(http_body_pieces(read.body));
        assert_eq!(pieces.next().await.unwrap(), "a\n1\n");
        assert!(pieces.next().await.is_none());
        assert_eq!(*seen.lock().unwrap(), [(4, false), (4, true)]);
        assert!(!source.is_readable());
    }

    fn http_body_pieces(body: Body) -> impl Stream<Item = Bytes> {
        let form = reqwest::multipart::Form::new().part("x", reqwest::multipart::Part::stream(body));
        // The multipart framing is ignored.
        let pieces = form.into_stream().map(Result::unwrap);
        pieces.filter(|piece| {
            let is_frame = piece.starts_with(b"--") || piece.starts_with(b"Content") || piece == "\r\n";
            std::future::ready(!is_frame)
        })
    }
}
