//! Destination of a download: the response, in whole or in part, or nothing, to compute its length.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::ApiError;

/// A client that takes nothing for this long is gone, even if the connection is open.
const LONGEST_STANDSTILL: Duration = Duration::from_secs(300);

/// Message from the writer to the response. A response without a final [`Piece::End`] was aborted.
pub(super) enum Piece {
    Rows(Bytes),
    End,
}

/// Reason why a download ended early.
pub(super) enum Interrupted {
    /// The client is gone.
    Abandoned,
    /// The requested part has been sent.
    Enough,
    /// An error occurred.
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Interrupted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Receives the bytes of a download.
pub(super) struct Output {
    reader: Option<mpsc::Sender<Piece>>,
    window: Range<u64>,
    written_bytes: u64,
}

impl Output {
    /// Sends the bytes of `window`, or all.
    pub(super) fn new(reader: mpsc::Sender<Piece>, window: Option<Range<u64>>) -> Self {
        Self { reader: Some(reader), window: window.unwrap_or(0..u64::MAX), written_bytes: 0 }
    }

    /// Only counts the bytes.
    pub(super) fn into_nothing() -> Self {
        Self { reader: None, window: 0..u64::MAX, written_bytes: 0 }
    }

    /// Bytes so far, sent or not.
    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Takes the next bytes.
    pub(super) async fn send(&mut self, piece: Bytes) -> Result<(), Interrupted> {
        let wanted = clip(self.written_bytes, piece.len(), &self.window);
        self.written_bytes += piece.len() as u64;
        if let Some(reader) = &self.reader
            && !wanted.is_empty()
        {
            hand(reader, Piece::Rows(piece.slice(wanted))).await?;
        }
        if self.written_bytes >= self.window.end { Err(Interrupted::Enough) } else { Ok(()) }
    }

    /// Signals the regular end to the response.
    pub(super) async fn end(self) {
        if let Some(reader) = &self.reader {
            // If the client is gone, the signal is not needed.
            let _ = hand(reader, Piece::End).await;
        }
    }
}

async fn hand(reader: &mpsc::Sender<Piece>, piece: Piece) -> Result<(), Interrupted> {
    match timeout(LONGEST_STANDSTILL, reader.send(piece)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Interrupted::Abandoned),
    }
}

/// The part of a piece of `length` bytes, starting at `start`, that lies within the window.
fn clip(start: u64, length: usize, window: &Range<u64>) -> Range<usize> {
    let place = |offset: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX).min(length);
    place(window.start)..place(window.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_to_the_window() {
        assert_eq!(clip(0, 10, &(0..u64::MAX)), 0..10);
        assert_eq!(clip(0, 10, &(3..5)), 3..5);
        assert_eq!(clip(10, 10, &(3..15)), 0..5);
        assert_eq!(clip(10, 10, &(30..35)), 10..10);
        assert_eq!(clip(40, 10, &(30..35)), 0..0);
    }

    #[tokio::test]
    async fn only_the_bytes_of_the_window_are_sent() {
        let (sender, mut receiver) = mpsc::channel(8);
        let mut output = Output::new(sender, Some(2..7));
        assert!(output.send(Bytes::from_static(b"abcd")).await.is_ok());
        assert!(matches!(output.send(Bytes::from_static(b"efgh")).await, Err(Interrupted::Enough)));
        output.end().await;
        let mut sent = Vec::new();
        while let Some(Piece::Rows(rows)) = receiver.recv().await {
            sent.extend(rows);
        }
        assert_eq!(sent, b"cdefg");
    }
}
