//! The part of the text that is in memory: from the record that is read next to as far as the source has given.

use memchr::memchr2;

use super::scan::View;

/// How much is read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Bytes below which every new line end is worth another scan.
const SHORT_BYTES: usize = 4 * 1024;
/// The byte with which DOS and CP/M ended a text. They filled up the last block with it.
const CTRL_Z: u8 = 0x1a;
/// More of them in a row are no end of text.
const MOST_CTRL_Z: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Text in memory. At most [`PIECE_BYTES`] more than what a scan is allowed to look at.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
    start: usize,
    filled: usize,
    /// Ctrl-Z at the very end, which do not count unless something follows.
    held: usize,
    /// Where in the text `start` is.
    offset: u64,
    ended: bool,
    /// Most bytes of a record.
    max_record_bytes: usize,
}

impl Text {
    pub fn new(max_record_bytes: usize) -> Self {
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

    /// What a record may be made of: one byte more than it may have, to see whether that is so. Where there is that byte,
    /// it makes no difference whether another follows.
    pub fn view(&self) -> View<'_> {
        let all = self.all();
        let most = self.max_record_bytes.saturating_add(1);
        View {
            bytes: &all[..all.len().min(most)],
            offset: self.offset,
            at_end: self.ended && all.len() < most,
        }
    }

    /// Everything in memory.
    pub fn all(&self) -> &[u8] {
        let held = if self.held > MOST_CTRL_Z { 0 } else { self.held };
        &self.bytes[self.start..self.filled - held]
    }

    /// Nothing will follow.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// There is more than a record may have.
    pub fn is_full(&self) -> bool {
        self.all().len() > self.max_record_bytes
    }

    /// Drops what has been read.
    pub fn consume(&mut self, length: usize) {
        self.start += length;
        self.offset += length as u64;
    }

    /// Drops byte order marks at the start: files that were joined have one in the middle.
    pub fn skip_marks(&mut self) {
        while self.all().starts_with(BYTE_ORDER_MARK) {
            self.consume(BYTE_ORDER_MARK.len());
        }
    }

    /// Drops the rest of a line with its end; false if the end is not there yet.
    pub fn skip_line(&mut self) -> bool {
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

    /// Where the source may write next.
    pub fn space(&mut self) -> &mut [u8] {
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

    /// Notes that the source wrote so many bytes, none at its end; true if there is a line end among them.
    pub fn fill(&mut self, length: usize) -> bool {
        let new = &self.bytes[self.filled..self.filled + length];
        let marks = new.iter().rev().take_while(|&&byte| byte == CTRL_Z).count();
        self.held = if marks == length { self.held + marks } else { marks };
        let has_line_end = memchr2(b'\n', b'\r', new).is_some();
        self.filled += length;
        self.ended |= length == 0;
        has_line_end
    }

    /// Whether a scan that wanted more, when there were `before` bytes, may now find what it missed. Without a line end it
    /// cannot; and a long record is not looked at for each of its lines, since that costs the square of its length.
    pub fn is_worth_a_scan(&self, before: usize, has_line_end: bool) -> bool {
        let length = self.all().len();
        let has_grown = length < SHORT_BYTES || length.saturating_sub(before) * 16 >= length;
        self.ended || self.is_full() || (has_line_end && has_grown)
    }
}
