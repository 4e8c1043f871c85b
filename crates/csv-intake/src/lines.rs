//! Counting of line ends over pieces of a file, where a CRLF may be torn apart between two pieces.

/// Line ends seen so far: LF, CRLF and a lone CR count one each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LineEnds {
    /// Line ends that are complete. A CR is counted with the byte after it, which tells whether it was half a CRLF.
    pub count: u64,
    /// Whether the byte before was a CR that has not been counted yet.
    pub after_cr: bool,
}

impl LineEnds {
    /// Takes note of the next byte; true if it belongs to a line end.
    pub fn see(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' => self.count += 1,
            _ => self.count += u64::from(self.after_cr),
        }
        self.after_cr = byte == b'\r';
        matches!(byte, b'\r' | b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_end_counts_once() {
        for (text, expected) in [("a\nb", 1), ("a\r\nb", 1), ("a\rb", 1), ("\r\r\n\n\rb", 4), ("", 0)] {
            let mut ends = LineEnds::default();
            for byte in text.bytes() {
                ends.see(byte);
            }
            assert_eq!(ends.count, expected, "{text:?}");
        }
    }
}
