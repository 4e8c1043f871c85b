//! Detects the delimiter from the first lines, or from Excel's `sep=` line, because the scanner needs it.

use memchr::memchr2;

use super::dialect::Delimiter;
use super::kind::FileKind;
use super::record::Record;
use super::scan::{Found, Scanner, View};

/// Amount of text examined if the header line leaves a choice.
pub(super) const SAMPLE_BYTES: usize = 16 * 1024;
/// Maximum number of rows examined.
const SAMPLE_ROWS: usize = 50;

/// Result of examining the start of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// More bytes are needed: at least the header line.
    More,
    /// More bytes are needed: [`SAMPLE_BYTES`], or all there are.
    Sample,
    /// A blank line of this length.
    Blank(usize),
    /// Excel's line of this length, which declares the delimiter. Excel writes it and hides it, so read as a header it
    /// would cause an error about a column that the user cannot see.
    Declared { length: usize, delimiter: Delimiter },
    /// Such a line with an unknown delimiter.
    Unknown,
    /// Not a table.
    NotCsv(FileKind),
    /// The header, with this delimiter.
    Header(Delimiter),
}

/// Examines the start of the text.
pub(super) fn look(view: View<'_>, is_full: bool) -> Start {
    let bytes = view.bytes;
    let end = match memchr2(b'\n', b'\r', bytes) {
        // The CR may be half of a CRLF, and the length of the line depends on that.
        Some(end) if bytes[end] == b'\r' && end + 1 == bytes.len() && !view.at_end && !is_full => {
            return Start::More;
        }
        None if !view.at_end && !is_full => return Start::More,
        found => found,
    };
    let line = &bytes[..end.unwrap_or(bytes.len())];
    let length = match end {
        Some(end) if bytes[end..].starts_with(b"\r\n") => end + 2,
        Some(end) => end + 1,
        None => line.len(),
    };
    first_line(line, length).unwrap_or_else(|| header(view, is_full))
}

/// Examines the first line of the text; `length` includes its line break. `None` if it may be a row of a table.
pub(super) fn first_line(line: &[u8], length: usize) -> Option<Start> {
    // The caller consumes a blank line and examines the next one.
    if length > 0 && is_blank(line) {
        return Some(Start::Blank(length));
    }
    if let Some(byte) = declared(line) {
        let delimiter = Delimiter::of_byte(byte);
        return Some(delimiter.map_or(Start::Unknown, |delimiter| Start::Declared { length, delimiter }));
    }
    FileKind::of_line(line).map(Start::NotCsv)
}

/// Detects the delimiter of a header.
fn header(view: View<'_>, is_full: bool) -> Start {
    let mut scan = HeaderScan::default();
    for &byte in view.bytes {
        scan.see(byte);
        if scan.place == Place::End {
            break;
        }
    }
    if scan.place != Place::End && !view.at_end && !is_full {
        return Start::More;
    }
    // A delimiter that the header does not contain cannot be the right one.
    let candidates = Delimiter::ALL.into_iter().zip(scan.counts).filter(|(_, counts)| counts.all > 0);
    match candidates.clone().count() {
        0 => return Start::Header(Delimiter::Comma),
        1 => {}
        // Several candidates: wait for enough rows, so that the choice does not depend on the sizes in which bytes
        // arrive.
        _ if view.bytes.len() < SAMPLE_BYTES && !view.at_end && !is_full => return Start::Sample,
        _ => {}
    }
    let sample = sample(view);
    let mut best: Option<(Delimiter, _)> = None;
    for (delimiter, counts) in candidates {
        // The rows decide; among equals the header does: first the more frequent delimiter, then the one with fewer
        // spaces after it, since commas in prose are followed by spaces.
        let score = (alike(sample, delimiter), counts.all, u32::MAX - counts.before_blank);
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((delimiter, score));
        }
    }
    Start::Header(best.map_or(Delimiter::Comma, |(delimiter, _)| delimiter))
}

/// The first [`SAMPLE_BYTES`], however many bytes are available.
fn sample(view: View<'_>) -> View<'_> {
    let length = view.bytes.len().min(SAMPLE_BYTES);
    View { bytes: &view.bytes[..length], at_end: view.at_end && length == view.bytes.len(), ..view }
}

/// Number of the first rows that have as many cells as the header when split at `delimiter`.
fn alike(sample: View<'_>, delimiter: Delimiter) -> usize {
    let (mut scanner, mut record) = (Scanner::new(delimiter.byte()), Record::new());
    let (mut at, mut rows, mut width, mut alike) = (0, 0, None, 0);
    while rows <= SAMPLE_ROWS && at < sample.bytes.len() {
        let view = View { bytes: &sample.bytes[at..], offset: sample.offset + at as u64, ..sample };
        // A fault or an incomplete record ends the sample; rows before it still count.
        let Found::Record { end, next } = scanner.scan(view, &mut record) else { break };
        if !is_blank(&view.bytes[..end]) {
            match width {
                None => width = Some(record.len()),
                Some(width) => alike += usize::from(record.len() == width),
            }
            rows += 1;
        }
        at += next;
    }
    alike
}

/// True for white space, or a row of one delimiter, as spreadsheets write for an empty line.
fn is_blank(line: &[u8]) -> bool {
    let mut delimiter = None;
    line.iter()
        .filter(|byte| !matches!(byte, b' ' | b'\t' | 0x1a))
        .all(|&byte| Delimiter::of_byte(byte).is_some() && *delimiter.get_or_insert(byte) == byte)
}

/// The byte declared by a line such as `sep=;`. Delimiters may follow, because the line may have been saved as a row.
fn declared(whole: &[u8]) -> Option<u8> {
    let line = whole.trim_ascii_end();
    let unquoted = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (word, rest) = unquoted.split_at_checked(4)?;
    if !word.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    match rest {
        // The declared byte is a tab, which was trimmed above.
        [] => whole.contains(&b'\t').then_some(b'\t'),
        [byte, more @ ..] if more.iter().all(|other| other == byte) => Some(*byte),
        _ => None,
    }
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    FieldStart,
    Field,
    Quoted,
    /// After a quote inside a quoted field: the field's end, or the first half of a doubled quote.
    QuoteInQuoted,
    /// After the header line.
    End,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    all: u32,
    /// Followed by a space, as in prose.
    before_blank: u32,
}

/// Counts each candidate outside quotes as if all were delimiters. A quote opens a field only at the field's start.
#[derive(Default)]
struct HeaderScan {
    place: Place,
    counts: [Counts; Delimiter::ALL.len()],
    last: Option<usize>,
}

impl HeaderScan {
    fn see(&mut self, byte: u8) {
        if let Some(last) = self.last.take()
            && byte == b' '
        {
            self.counts[last].before_blank += 1;
        }
        self.place = match (self.place, byte) {
            (Place::End, _) => Place::End,
            (Place::Quoted, b'"') => Place::QuoteInQuoted,
            (Place::Quoted, _) | (Place::FieldStart | Place::QuoteInQuoted, b'"') => Place::Quoted,
            (_, b'\r' | b'\n') => Place::End,
            (_, byte) => match Delimiter::ALL.iter().position(|candidate| candidate.byte() == byte) {
                Some(candidate) => {
                    self.counts[candidate].all += 1;
                    self.last = Some(candidate);
                    Place::FieldStart
                }
                None => Place::Field,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_at(text: &str) -> Start {
        look(View { bytes: text.as_bytes(), offset: 0, at_end: true }, false)
    }

    fn delimiter_of(text: &str) -> Delimiter {
        match look_at(text) {
            Start::Header(delimiter) => delimiter,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_most_frequent_candidate_of_the_header_line_wins() {
        assert_eq!(delimiter_of("a,b;c,d\n"), Delimiter::Comma);
        assert_eq!(delimiter_of("a;b;c,d\n"), Delimiter::Semicolon);
        assert_eq!(delimiter_of("a\tb c\td\r\n1,2,3,4,5"), Delimiter::Tab);
        assert_eq!(delimiter_of("a|b|c,d\n"), Delimiter::Pipe);
    }

    #[test]
    fn where_the_header_leaves_a_choice_the_rows_decide() {
        assert_eq!(delimiter_of("a,b;c\n1;2\n3;4\n"), Delimiter::Semicolon);
        assert_eq!(
            delimiter_of("name (last, first, middle);mail\nLi, Bo;b@c.d\nKo;k@c.d\n"),
            Delimiter::Semicolon
        );
        assert_eq!(delimiter_of("price, net;stock\n1,20;5\n2,10;7\n"), Delimiter::Semicolon);
        assert_eq!(delimiter_of("a;b,c|d\n\n1|2\n"), Delimiter::Pipe);
    }

    #[test]
    fn ties_go_to_the_comma() {
        assert_eq!(delimiter_of("email"), Delimiter::Comma);
        assert_eq!(delimiter_of("a,b;c\n"), Delimiter::Comma);
        assert_eq!(delimiter_of(""), Delimiter::Comma);
    }

    #[test]
    fn excels_own_line_decides() {
        for (line, delimiter) in [
            ("sep=;", Delimiter::Semicolon),
            ("SEP=,", Delimiter::Comma),
            ("\"sep=|\"", Delimiter::Pipe),
            ("sep=;;; ", Delimiter::Semicolon),
            ("sep=\t", Delimiter::Tab),
        ] {
            let found = look_at(&format!("{line}\r\na,b;c,d\r\n"));
            assert_eq!(found, Start::Declared { length: line.len() + 2, delimiter }, "{line}");
        }
        assert_eq!(look_at("sep=:\na:b\n"), Start::Unknown);
        for text in ["sep=;x;y\n1;2;3", "xsep=;\n", "sep;\n"] {
            assert_eq!(look_at(text), Start::Header(Delimiter::Semicolon), "{text}");
        }
    }

    #[test]
    fn delimiters_inside_quotes_do_not_count() {
        assert_eq!(delimiter_of("\"a,b,c\nd,e\";f\n"), Delimiter::Semicolon);
        assert_eq!(delimiter_of("\"say \"\"a,b,c\"\"\";f\n"), Delimiter::Semicolon);
    }

    #[test]
    fn a_quote_within_a_field_is_an_ordinary_character() {
        assert_eq!(delimiter_of("width 5\";height;depth\na,b,c,d"), Delimiter::Semicolon);
    }

    #[test]
    fn blank_lines_come_first() {
        for (line, length) in [("\r\n", 2), ("\n", 1), (" \t\n", 3), (",,,\r", 4), (";;\n", 3)] {
            assert_eq!(look_at(&format!("{line}a;b\n")), Start::Blank(length), "{line:?}");
        }
        assert_eq!(look_at("[\n"), Start::NotCsv(FileKind::Json));
    }

    #[test]
    fn an_unfinished_line_waits() {
        for text in ["", "a,b", "\"a\n", "a\r"] {
            let view = View { bytes: text.as_bytes(), offset: 0, at_end: false };
            assert_eq!(look(view, false), Start::More, "{text:?}");
        }
        let view = View { bytes: b"a,b;c\n", offset: 0, at_end: false };
        assert_eq!(look(view, false), Start::Sample);
    }
}
