//! A position in the rows of an action: the chunk's number in commit order, and the number of its rows before the
//! position. It stays valid for ever, because committed chunks never change and later commits come after it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ENCODED_BYTES: usize = 8;

/// A position in the rows of an action. The default is the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The chunk's number in commit order.
    pub(crate) commit_number: i32,
    /// Rows of the chunk before the position, of any status.
    pub(crate) index: u32,
}

impl Cursor {
    /// Parses the output of [`Cursor::encode`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; ENCODED_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let [c0, c1, c2, c3, index @ ..] = bytes;
        let cursor =
            Self { commit_number: i32::from_be_bytes([c0, c1, c2, c3]), index: u32::from_be_bytes(index) };
        (cursor.commit_number >= 0).then_some(cursor)
    }

    /// An opaque string for URLs.
    pub(crate) fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(ENCODED_BYTES);
        bytes.extend(self.commit_number.to_be_bytes());
        bytes.extend(self.index.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        for (commit_number, index) in [(0, 0), (9999, 999), (i32::MAX, u32::MAX)] {
            let cursor = Cursor { commit_number, index };
            assert_eq!(Cursor::parse(&cursor.encode()), Some(cursor));
        }
    }

    #[test]
    fn malformed_cursors_are_refused() {
        let negative = Cursor { commit_number: -1, index: 0 }.encode();
        for text in ["", "x", "AAAAAAAAAAAA", "AAAAAAAAAAA=", "äöü", "AAAAAAAAA/+", &negative] {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }
}
