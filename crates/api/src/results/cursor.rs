//! A place in the rows of an action: the chunk, by its place in the order of commits, and how many of its rows came
//! before. It stays valid for ever, because committed chunks never change; and whatever commits later comes after it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ENCODED_BYTES: usize = 8;

/// A place in the rows of an action. The default is the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The chunk's place in the order of commits.
    pub(crate) commit_number: i32,
    /// Rows of the chunk that came before, whatever their status.
    pub(crate) index: u32,
}

impl Cursor {
    /// Reads what [`Cursor::encode`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; ENCODED_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let [c0, c1, c2, c3, index @ ..] = bytes;
        let cursor =
            Self { commit_number: i32::from_be_bytes([c0, c1, c2, c3]), index: u32::from_be_bytes(index) };
        (cursor.commit_number >= 0).then_some(cursor)
    }

    /// An opaque text for a URL.
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
    fn whatever_else_is_no_cursor() {
        let negative = Cursor { commit_number: -1, index: 0 }.encode();
        for text in ["", "x", "AAAAAAAAAAAA", "AAAAAAAAAAA=", "äöü", "AAAAAAAAA/+", &negative] {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }
}
