//! A place in the rows of an action: the chunk, and how many of its rows came before. It stays valid for ever, because
//! committed chunks never change.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

const ENCODED_BYTES: usize = 10;

/// A place in the rows of an action. The default is the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The chunk's partition.
    pub(crate) partition: i16,
    /// The chunk's place in the partition.
    pub(crate) seq: i32,
    /// Rows of the chunk that came before, whatever their status.
    pub(crate) index: u32,
}

impl Cursor {
    /// Reads what [`Cursor::encode`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; ENCODED_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let [p0, p1, s0, s1, s2, s3, index @ ..] = bytes;
        let cursor = Self {
            partition: i16::from_be_bytes([p0, p1]),
            seq: i32::from_be_bytes([s0, s1, s2, s3]),
            index: u32::from_be_bytes(index),
        };
        (cursor.partition >= 0 && cursor.seq >= 0).then_some(cursor)
    }

    /// An opaque text for a URL.
    fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(ENCODED_BYTES);
        bytes.extend(self.partition.to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.index.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        for (partition, seq, index) in [(0, 0, 0), (7, 9999, 999), (i16::MAX, i32::MAX, u32::MAX)] {
            let cursor = Cursor { partition, seq, index };
            assert_eq!(Cursor::parse(&cursor.encode()), Some(cursor));
        }
    }

    #[test]
    fn whatever_else_is_no_cursor() {
        let negative = Cursor { partition: -1, seq: 0, index: 0 }.encode();
        for text in ["", "x", "AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAA==", "äöü", "AAAAAAAAAAAA/+", &negative] {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }
}
