//! Finds the delimiter from the header line, or from Excel's line before it, before the parser starts, because the parser must be told.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::lines::LineEnds;

/// Bytes read at a time while the header line is looked for; a usual header fits into one piece.
const PIECE_BYTES: usize = 8 * 1024;

/// What separates the fields of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// The tab character.
    Tab,
}

impl Delimiter {
    /// In order of preference: where two occur equally often in the header, the earlier one is taken.
    const ALL: [Delimiter; 3] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab];

    /// The delimiter's byte.
    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
        }
    }
}

/// What looking at the start of the text brought to light.
pub(super) struct Sniffed {
    pub delimiter: Delimiter,
    /// Bytes taken from the source, from the first one that is not a blank line; they must be parsed again.
    pub prefix: Vec<u8>,
    /// Blank lines before the prefix, which are not kept.
    pub skipped: LineEnds,
}

/// Reads until the header line is complete, the text ends, or `limit_bytes` are read: then the parser, which has the
/// last word on what a record is, meets the same bytes and fails with the proper error.
pub(super) async fn sniff<R: AsyncRead + Unpin>(source: &mut R, limit_bytes: usize) -> io::Result<Sniffed> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut scan = HeaderScan::default();
    let mut prefix = Vec::new();
    let mut skipped = LineEnds::default();
    while scan.place != Place::End && prefix.len() < limit_bytes {
        let length = source.read(&mut piece).await?;
        if length == 0 {
            break;
        }
        let mut bytes = &piece[..length];
        while let [b'\r' | b'\n', rest @ ..] = bytes
            && prefix.is_empty()
        {
            skipped.see(bytes[0]);
            bytes = rest;
        }
        // Not a byte beyond the limit, or the size of the pieces would decide what the delimiter is.
        let scanned = bytes.len().min(limit_bytes.saturating_sub(prefix.len()));
        bytes[..scanned].iter().for_each(|&byte| scan.see(byte));
        prefix.extend_from_slice(bytes);
    }
    let delimiter = match declared(&prefix) {
        Some((delimiter, length)) => {
            // Its line end stays, so that the line is counted.
            prefix.drain(..length);
            delimiter
        }
        None => scan.delimiter(),
    };
    Ok(Sniffed { delimiter, prefix, skipped })
}

/// The delimiter that a first line such as `sep=;` declares, and the length of that line without its end. Excel writes and
/// obeys it; taken for a header it would refuse the file for a column that nobody can see there.
fn declared(text: &[u8]) -> Option<(Delimiter, usize)> {
    let length = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
    let line = &text[..length];
    let unquoted = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\""));
    let [word @ .., b'=', byte] = unquoted.unwrap_or(line) else { return None };
    let delimiter = Delimiter::ALL.into_iter().find(|delimiter| delimiter.byte() == *byte)?;
    word.eq_ignore_ascii_case(b"sep").then_some((delimiter, length))
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    FieldStart,
    Field,
    Quoted,
    /// After a quote inside a quoted field: either the field's end or the first half of a doubled quote.
    QuoteInQuoted,
    /// After the header line.
    End,
}

/// Counts each candidate outside quotes, as if all of them were delimiters: a quote opens a field only at its start.
#[derive(Default)]
struct HeaderScan {
    place: Place,
    counts: [u32; Delimiter::ALL.len()],
}

impl HeaderScan {
    fn see(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::End, _) => Place::End,
            (Place::Quoted, b'"') => Place::QuoteInQuoted,
            (Place::Quoted, _) | (Place::FieldStart | Place::QuoteInQuoted, b'"') => Place::Quoted,
            (_, b'\r' | b'\n') => Place::End,
            (_, byte) => match Delimiter::ALL.iter().position(|candidate| candidate.byte() == byte) {
                Some(candidate) => {
                    self.counts[candidate] += 1;
                    Place::FieldStart
                }
                None => Place::Field,
            },
        };
    }

    fn delimiter(&self) -> Delimiter {
        let mut best = 0;
        for candidate in 1..self.counts.len() {
            if self.counts[candidate] > self.counts[best] {
                best = candidate;
            }
        }
        Delimiter::ALL[best]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn delimiter_of(text: &str) -> Delimiter {
        sniff(&mut text.as_bytes(), 1024).await.unwrap().delimiter
    }

    #[tokio::test]
    async fn the_most_frequent_candidate_of_the_header_line_wins() {
        assert_eq!(delimiter_of("a,b;c,d\n").await, Delimiter::Comma);
        assert_eq!(delimiter_of("a;b;c,d\n").await, Delimiter::Semicolon);
        assert_eq!(delimiter_of("a\tb c\td\r\n1,2,3,4,5").await, Delimiter::Tab);
        assert_eq!(delimiter_of("\r\n\n a;b\n1,2,3").await, Delimiter::Semicolon);
    }

    #[tokio::test]
    async fn excels_own_line_decides_and_goes() {
        for line in ["sep=;", "SEP=;", "\"sep=;\""] {
            let text = format!("{line}\r\na,b;c,d\r\n");
            let sniffed = sniff(&mut text.as_bytes(), 1024).await.unwrap();
            assert_eq!(sniffed.delimiter, Delimiter::Semicolon, "{line}");
            assert_eq!(sniffed.prefix, b"\r\na,b;c,d\r\n");
        }
        for text in ["sep=|\na|b\n", "sep=;x;y\n1;2;3", "xsep=;\n", "sep;\n"] {
            let sniffed = sniff(&mut text.as_bytes(), 1024).await.unwrap();
            assert_eq!(sniffed.prefix, text.as_bytes());
        }
    }

    #[tokio::test]
    async fn ties_go_to_the_comma() {
        assert_eq!(delimiter_of("email").await, Delimiter::Comma);
        assert_eq!(delimiter_of("a,b;c\n").await, Delimiter::Comma);
        assert_eq!(delimiter_of("").await, Delimiter::Comma);
    }

    #[tokio::test]
    async fn what_stands_inside_quotes_does_not_count() {
        assert_eq!(delimiter_of("\"a,b,c\nd,e\";f\n").await, Delimiter::Semicolon);
        assert_eq!(delimiter_of("\"say \"\"a,b,c\"\"\";f\n").await, Delimiter::Semicolon);
    }

    #[tokio::test]
    async fn a_quote_within_a_field_is_an_ordinary_character() {
        assert_eq!(delimiter_of("width 5\";height;depth\na,b,c,d").await, Delimiter::Semicolon);
    }

    #[tokio::test]
    async fn blank_lines_before_the_header_are_counted_and_not_kept() {
        let text = "\r\n".repeat(PIECE_BYTES) + "a;b\n1;2\n";
        let sniffed = sniff(&mut text.as_bytes(), 1024).await.unwrap();
        assert_eq!(sniffed.skipped.count, PIECE_BYTES as u64);
        assert_eq!(sniffed.prefix, b"a;b\n1;2\n");
    }

    #[tokio::test]
    async fn what_stands_beyond_the_limit_does_not_count() {
        let sniffed = sniff(&mut &b"a;b,c,d\n"[..], 3).await.unwrap();
        assert_eq!(sniffed.delimiter, Delimiter::Semicolon);
    }

    #[tokio::test]
    async fn looking_stops_at_the_limit() {
        let mut endless = tokio::io::repeat(b'x');
        let sniffed = sniff(&mut endless, 100_000).await.unwrap();
        assert!(sniffed.prefix.len() <= 100_000 + PIECE_BYTES);
    }
}
