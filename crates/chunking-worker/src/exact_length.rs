//! Reads a file that must have its stored size. Without this check, a file that lost its end would look complete up to
//! a row that was cut in half, and that row would be reported as the uploader's mistake.

use std::cmp::Ordering;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use thiserror::Error;
use tokio::io::{AsyncRead, ReadBuf};

/// The file is shorter or longer than its stored size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum WrongSize {
    /// The file ended early.
    #[error("it has {found} bytes, at upload it had {expected}")]
    Shorter {
        /// Bytes read.
        found: u64,
        /// Bytes stored at upload.
        expected: u64,
    },
    /// The file continues after the expected end.
    #[error("it has more than the {expected} bytes it had at upload")]
    Longer {
        /// Bytes stored at upload.
        expected: u64,
    },
}

impl WrongSize {
    /// The size error inside an I/O error, if it is one.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Passes bytes on, and fails at the end if they are fewer than expected, or as soon as they are more.
pub(crate) struct ExactLength<R> {
    source: R,
    found: u64,
    expected: u64,
}

impl<R> ExactLength<R> {
    /// Expects this number of bytes.
    pub(crate) fn new(source: R, expected: u64) -> Self {
        Self { source, found: 0, expected }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for ExactLength<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let room = buffer.remaining() > 0;
        let read = Pin::new(&mut self.source).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = read {
            let bytes = (buffer.filled().len() - before) as u64;
            self.found += bytes;
            let is_end = room && bytes == 0;
            let (found, expected) = (self.found, self.expected);
            let wrong = match found.cmp(&expected) {
                Ordering::Greater => Some(WrongSize::Longer { expected }),
                Ordering::Less if is_end => Some(WrongSize::Shorter { found, expected }),
                _ => None,
            };
            if let Some(wrong) = wrong {
                // An error must leave the buffer unchanged.
                buffer.set_filled(before);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, wrong)));
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(bytes: &[u8], expected: u64) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        ExactLength::new(bytes, expected).read_to_end(&mut read).await?;
        Ok(read)
    }

    #[tokio::test]
    async fn only_the_expected_length_is_read_to_its_end() {
        assert_eq!(read(b"abc", 3).await.unwrap(), b"abc");
        assert_eq!(read(b"", 0).await.unwrap(), b"");
        let short = WrongSize::of(&read(b"abc", 5).await.unwrap_err()).unwrap();
        assert_eq!(short.to_string(), "it has 3 bytes, at upload it had 5");
        let long = WrongSize::of(&read(b"abc", 2).await.unwrap_err()).unwrap();
        assert_eq!(long.to_string(), "it has more than the 2 bytes it had at upload");
    }
}
