//! Counts line ends across pieces of a file; a CRLF may be split between two pieces.

/// Line ends seen so far: LF, CRLF and a lone CR count one each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineEnds {
    count: u64,
    after_cr: bool,
}

impl LineEnds {
    /// Number of line ends in `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> u64 {
        let mut ends = LineEnds::default();
        bytes.iter().for_each(|&byte| ends.see(byte));
        ends.count
    }

    /// Processes the next byte.
    pub(crate) fn see(&mut self, byte: u8) {
        self.count += u64::from(byte == b'\r' || (byte == b'\n' && !self.after_cr));
        self.after_cr = byte == b'\r';
    }

    /// Line ends so far.
    pub(crate) fn count(self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_end_counts_once() {
        for (text, expected) in
            [("a\nb", 1), ("a\r\nb", 1), ("a\rb", 1), ("\r\r\n\n\rb", 4), ("", 0), ("a\r", 1)]
        {
            assert_eq!(LineEnds::of(text.as_bytes()), expected, "{text:?}");
        }
    }
}
