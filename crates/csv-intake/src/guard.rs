//! The last layer before the parser. The parser copies a record of any length and tells neither where a record's first
//! byte is (it counts line ends before it as part of it) nor that the file ended inside quotes; the guard does all three.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::CsvError;
use super::lines::LineEnds;

/// How far the text has been handed to the parser.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    /// There may be more.
    Ahead,
    /// The text is over and a line end was added to it.
    Closed,
    /// The parser asked for more after that line end.
    Passed,
}

/// Hands text to the parser and knows where the record that the parser is reading began.
///
/// Relies on the parser asking for more only when it has consumed all it got, as csv-async does.
pub(super) struct RecordGuard<R> {
    inner: R,
    max_record_bytes: usize,
    /// A copy of what the parser got last: its own buffer cannot be looked into.
    piece: Vec<u8>,
    /// Offset in the text of the piece's first byte.
    piece_start: u64,
    /// Offset of the current record's first byte; none while only line ends have been seen.
    record_start: Option<u64>,
    /// Line ends before the current record.
    line_ends: LineEnds,
    /// The parser's count of lines up to which `line_ends` is complete.
    parser_line: u64,
    ending: Ending,
}

impl<R> RecordGuard<R> {
    /// `skipped`: line ends of the file that came before `inner`.
    pub fn new(inner: R, max_record_bytes: usize, skipped: LineEnds) -> Self {
        RecordGuard {
            inner,
            max_record_bytes,
            piece: Vec::new(),
            piece_start: 0,
            record_start: None,
            line_ends: skipped,
            parser_line: 1,
            ending: Ending::Ahead,
        }
    }

    /// Tells that the parser, which has consumed the bytes before `offset` and counted LFs up to `parser_line`, goes on
    /// to the next record.
    pub fn begin_record(&mut self, offset: u64, parser_line: u64) {
        self.line_ends.count += parser_line - self.parser_line;
        self.parser_line = parser_line;
        if let Some(last_consumed) = self.consumed_until(offset).last() {
            self.line_ends.after_cr = *last_consumed == b'\r';
        }
        self.record_start = None;
        self.find_start(offset);
    }

    /// Line on which the current record begins.
    pub fn record_line(&self) -> u64 {
        self.line_ends.count + 1
    }

    /// Fails if the current record, which reaches up to `offset`, is longer than allowed. Asked after each record too,
    /// for in a large buffer a record passes through without the parser asking for more.
    pub fn check_length(&self, offset: u64) -> Result<(), CsvError> {
        let length = self.record_start.map_or(0, |start| offset - start);
        if length > self.max_record_bytes as u64 {
            return Err(CsvError::RecordTooLong {
                line: self.record_line(),
                limit_bytes: self.max_record_bytes,
            });
        }
        Ok(())
    }

    /// True once the parser has gone past the line end that closes the text: a record that needed this was not ended by
    /// that line end, so it lay inside quotes.
    pub fn is_passed(&self) -> bool {
        self.ending == Ending::Passed
    }

    fn consumed_until(&self, offset: u64) -> &[u8] {
        &self.piece[..(offset - self.piece_start) as usize]
    }

    fn piece_end(&self) -> u64 {
        self.piece_start + self.piece.len() as u64
    }

    /// Looks in the piece, from `offset` on, for the first byte that is no line end.
    fn find_start(&mut self, offset: u64) {
        let unread = &self.piece[(offset - self.piece_start) as usize..];
        for (distance, &byte) in unread.iter().enumerate() {
            if !self.line_ends.see(byte) {
                self.record_start = Some(offset + distance as u64);
                return;
            }
            self.parser_line += u64::from(byte == b'\n');
        }
    }

    fn take_piece(&mut self, bytes: &[u8]) {
        self.piece_start = self.piece_end();
        self.piece.clear();
        self.piece.extend_from_slice(bytes);
        if self.record_start.is_none() {
            self.find_start(self.piece_start);
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for RecordGuard<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        guard.check_length(guard.piece_end()).map_err(CsvError::into_io)?;
        if guard.ending != Ending::Ahead {
            guard.ending = Ending::Passed;
            return Poll::Ready(Ok(()));
        }
        let filled_before = buffer.filled().len();
        ready!(Pin::new(&mut guard.inner).poll_read(context, buffer))?;
        if buffer.filled().len() == filled_before {
            buffer.put_slice(b"\n");
            guard.ending = Ending::Closed;
        }
        guard.take_piece(&buffer.filled()[filled_before..]);
        Poll::Ready(Ok(()))
    }
}
