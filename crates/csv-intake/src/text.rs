//! The part of the text in memory: from the start of the next record to the last byte read from the source.

use memchr::memchr2;

use super::scan::View;

/// Size of a read.
const PIECE_BYTES: usize = 64 * 1024;
/// Size below which every new line end is worth another scan.
const SHORT_BYTES: usize = 4 * 1024;
/// The byte with which DOS and CP/M ended a text. They filled the last block with it.
const CTRL_Z: u8 = 0x1a;
/// Maximum number of them in a row; more are not the end of a text.
const MOST_CTRL_Z: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Text in memory: at most [`PIECE_BYTES`] more than a scan may see.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
    start: usize,
    filled: usize,
    /// Number of Ctrl-Z at the very end. They are ignored unless something follows.
    held: usize,
    /// Offset of `start` within the text.
    offset: u64,
    ended: bool,
    /// Maximum size of a record.
    max_record_bytes: usize,
}

impl Text {
    pub(crate) fn new(max_record_bytes: usize) -> Self {
        Text {
            bytes: vec![0; 2 * PIECE_BYTES],
            start: 0,
            filled: 0,
            held: 0,
            offset: 0,
            ended: false,
            max_record_bytes,
        }
    }

    /// The bytes that a scan may see: one more than a record may have, to detect a record that is too long. What
    /// follows that byte makes no difference.
    pub(crate) fn view(&self) -> View<'_> {
        let all = self.all();
        let most = self.max_record_bytes.saturating_add(1);
        View {
            bytes: &all[..all.len().min(most)],
            offset: self.offset,
            at_end: self.ended && all.len() < most,
        }
    }

    /// Everything in memory.
    pub(crate) fn all(&self) -> &[u8] {
        let held = if self.held > MOST_CTRL_Z { 0 } else { self.held };
        &self.bytes[self.start..self.filled - held]
    }

    /// True if the source has ended.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// True if there are more bytes than a record may have.
    pub(crate) fn is_full(&self) -> bool {
        self.all().len() > self.max_record_bytes
    }

    /// Drops bytes that have been read.
    pub(crate) fn consume(&mut self, length: usize) {
        self.start += length;
        self.offset += length as u64;
    }

    /// Drops byte order marks at the start; concatenated files have one in the middle.
    pub(crate) fn skip_marks(&mut self) {
        while self.all().starts_with(BYTE_ORDER_MARK) {
            self.consume(BYTE_ORDER_MARK.len());
        }
    }

    /// Drops the rest of a line with its line end; returns false if the end is not in memory yet.
    pub(crate) fn skip_line(&mut self) -> bool {
        let all = self.all();
        let Some(end) = memchr2(b'\n', b'\r', all) else {
            let length = all.len();
            self.consume(length);
            return false;
        };
        let length = match (all[end], all.get(end + 1)) {
            (b'\r', Some(b'\n')) => end + 2,
            (b'\r', None) if !self.ended => {
                self.consume(end);
                return false;
            }
            _ => end + 1,
        };
        self.consume(length);
        true
    }

    /// Buffer space for the next read.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.filled + PIECE_BYTES > self.bytes.len() {
            self.bytes.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
            if self.filled + PIECE_BYTES > self.bytes.len() {
                let length = (self.bytes.len() * 2).max(self.filled + PIECE_BYTES);
                self.bytes.resize(length, 0);
            }
        }
        &mut self.bytes[self.filled..self.filled + PIECE_BYTES]
    }

    /// Records that the source wrote this many bytes, 0 at its end; returns true if they contain a line end.
    pub(crate) fn fill(&mut self, length: usize) -> bool {
        let new = &self.bytes[self.filled..self.filled + length];
        let marks = new.iter().rev().take_while(|&&byte| byte == CTRL_Z).count();
        self.held = if marks == length { self.held + marks } else { marks };
        let has_line_end = memchr2(b'\n', b'\r', new).is_some();
        self.filled += length;
        self.ended |= length == 0;
        has_line_end
    }

    /// True if a scan that needed more, when there were `before` bytes, may now succeed. Without a line end it cannot.
    /// A long record is not scanned again for each of its lines, since that would cost the square of its length.
    pub(crate) fn is_worth_a_scan(&self, before: usize, has_line_end: bool) -> bool {
        let length = self.all().len();
        let has_grown = length < SHORT_BYTES || length.saturating_sub(before) * 16 >= length;
        self.ended || self.is_full() || (has_line_end && has_grown)
    }
}
