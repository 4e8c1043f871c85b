//! Finds the ends of a record and its cells: a scanner over bytes that knows nothing of buffers, encodings or rows.
//!
//! Own code, because existing parsers tolerate a quote in the wrong place (`"a"b` is read as `ab`), so a record that
//! swallowed the following ones looks valid. Here a closing quote must be followed by a delimiter or a line end;
//! anything else is a fault of that row.

use memchr::{memchr_iter, memchr3};

use super::record::Record;

/// Result of a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found {
    /// A record whose content ends at `end`, before its line end; the next record starts at `next`.
    Record { end: usize, next: usize },
    /// More bytes are needed.
    More,
    /// Invalid quotes.
    Fault(QuoteFault),
}

/// Fault of a record's quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum QuoteFault {
    /// The quoted cell in this column (from 1) continues after the line and has no valid end.
    Unclosed { column: usize },
    /// In this column (from 1), on the record's first line, a closing quote is followed by something else.
    Followed { column: usize },
}

/// Knowledge of earlier scans about the text ahead, so that it is not scanned again for each row. Otherwise a file in
/// which every line opens a quote would cost the square of its size.
///
/// Every line end from `from` to `until` was passed inside a quoted cell, by a scan that started at or after `from`. A
/// scan that passes one of them inside a quoted cell is in the same state, so it may continue at `until`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QuotedAhead {
    from: u64,
    until: u64,
}

/// Text to scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// The bytes, starting with a record.
    pub bytes: &'a [u8],
    /// Offset of the bytes within the text.
    pub offset: u64,
    /// True if no bytes follow.
    pub at_end: bool,
}

/// Finds the ends of successive records.
#[derive(Debug)]
pub(super) struct Scanner {
    delimiter: u8,
    ahead: QuotedAhead,
    jumps: Jumps,
    /// Column of the quoted cell that contains the end of the record's first line, if any.
    open_column: Option<usize>,
    /// True if the last scan stopped inside a quoted cell.
    in_quotes: bool,
}

/// Use of [`QuotedAhead`] by a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Jumps {
    Allowed,
    Taken,
    Forbidden,
}

/// A quoted cell between spaces: where its content begins, its closing quote, and where it ends.
struct Indented {
    content: usize,
    quote: usize,
    doubled: bool,
    end: usize,
}

/// End of a quoted cell.
enum Close {
    At { quote: usize, doubled: bool },
    More,
    Never,
}

impl Scanner {
    pub(crate) fn new(delimiter: u8) -> Self {
        Scanner {
            delimiter,
            ahead: QuotedAhead::default(),
            jumps: Jumps::Allowed,
            open_column: None,
            in_quotes: false,
        }
    }

    /// Column (from 1) of the quoted cell in which the last scan passed the end of its first line.
    pub(crate) fn open_column(&self) -> Option<usize> {
        self.open_column
    }

    /// True if the last scan stopped inside a quoted cell.
    pub(crate) fn is_in_quotes(&self) -> bool {
        self.in_quotes
    }

    /// Scans the record at the start of `view` and marks its cells in `record`.
    pub(crate) fn scan(&mut self, view: View<'_>, record: &mut Record) -> Found {
        record.clear();
        self.open_column = None;
        self.in_quotes = false;
        let bytes = view.bytes;
        match memchr3(b'"', b'\n', b'\r', bytes) {
            // Fast path: most lines contain no quote, so only delimiters matter.
            Some(end) if bytes[end] != b'"' => {
                self.split(&bytes[..end], record);
                line_end(view, end)
            }
            None if view.at_end => {
                self.split(bytes, record);
                Found::Record { end: bytes.len(), next: bytes.len() }
            }
            None => Found::More,
            Some(_) => self.scan_quoted(view, record),
        }
    }

    /// Marks the cells of a line, treating quotes as ordinary characters.
    pub(crate) fn split(&self, line: &[u8], record: &mut Record) {
        let mut start = 0;
        for end in memchr_iter(self.delimiter, line) {
            record.mark(start, end);
            start = end + 1;
        }
        record.mark(start, line.len());
    }

    fn scan_quoted(&mut self, view: View<'_>, record: &mut Record) -> Found {
        // The text has moved past what is known: start again from here.
        if self.ahead.until <= view.offset {
            self.ahead = QuotedAhead { from: view.offset, until: view.offset };
        }
        self.jumps = Jumps::Allowed;
        let found = self.cells(view, record);
        if self.jumps == Jumps::Taken && matches!(found, Found::Record { .. }) {
            // The record is valid after all, so the cells inside the jump must be marked.
            self.jumps = Jumps::Forbidden;
            record.clear();
            return self.cells(view, record);
        }
        found
    }

    /// Marks the cells of a record with quotes. Only a quote at the start of a cell opens a quoted one.
    fn cells(&mut self, view: View<'_>, record: &mut Record) -> Found {
        let bytes = view.bytes;
        let mut start = 0;
        loop {
            let end = if bytes.get(start) == Some(&b'"') {
                match self.close(view, start + 1, record.len() + 1) {
                    Close::At { quote, doubled: true } => {
                        record.mark_doubled(start + 1, quote);
                        quote + 1
                    }
                    Close::At { quote, doubled: false } => {
                        record.mark(start + 1, quote);
                        quote + 1
                    }
                    Close::More => return Found::More,
                    Close::Never => return self.fault(record.len() + 1),
                }
            } else if let Some(Indented { content, quote, doubled, end }) = self.indented(view, start) {
                if doubled {
                    record.mark_doubled(content, quote);
                } else {
                    record.mark(content, quote);
                }
                end
            } else {
                let found = memchr3(self.delimiter, b'\n', b'\r', &bytes[start..]);
                let Some(end) = found.map(|length| start + length).or(view.at_end.then_some(bytes.len()))
                else {
                    return Found::More;
                };
                record.mark(start, end);
                end
            };
            match bytes.get(end) {
                Some(&byte) if byte == self.delimiter => start = end + 1,
                Some(b'\n' | b'\r') => return line_end(view, end),
                None if view.at_end => return Found::Record { end, next: end },
                None => return Found::More,
                // Something follows a closing quote.
                Some(_) => return self.fault(record.len()),
            }
        }
    }

    /// The quoted cell that begins at `start` after spaces, as people write lists: `"a", "b"`. It has to end on its line, as
    /// any quoted cell does; otherwise its quotes are characters, so that a stray quote affects no other line.
    fn indented(&self, view: View<'_>, start: usize) -> Option<Indented> {
        if view.bytes.get(start) != Some(&b' ') {
            return None;
        }
        let opening = start + view.bytes[start..].iter().position(|byte| *byte != b' ')?;
        let content = opening + 1;
        let (mut at, mut doubled) = (content, false);
        while view.bytes.get(opening) == Some(&b'"') {
            let quote = at + memchr3(b'"', b'\n', b'\r', view.bytes.get(at..)?)?;
            if view.bytes[quote..].starts_with(b"\"\"") {
                (at, doubled) = (quote + 2, true);
                continue;
            }
            let after = &view.bytes[quote + 1..];
            let spaces = after.iter().take_while(|byte| **byte == b' ').count();
            let ends = match after.get(spaces) {
                Some(&byte) => byte == self.delimiter || matches!(byte, b'\n' | b'\r'),
                None => view.at_end,
            };
            let is_cell = view.bytes[quote] == b'"' && ends;
            return is_cell.then_some(Indented { content, quote, doubled, end: quote + 1 + spaces });
        }
        None
    }

    /// Finds the end of the quoted cell in `column`, whose content starts at `at`.
    fn close(&mut self, view: View<'_>, mut at: usize, column: usize) -> Close {
        let mut doubled = false;
        self.in_quotes = true;
        loop {
            let Some(length) = memchr3(b'"', b'\n', b'\r', &view.bytes[at..]) else {
                return if view.at_end { Close::Never } else { Close::More };
            };
            let found = at + length;
            at = found + 1;
            if view.bytes[found] != b'"' {
                // The first line of the record ends inside this cell.
                self.open_column.get_or_insert(column);
                at = self.pass_line_end(view, at);
                continue;
            }
            match view.bytes.get(at) {
                Some(b'"') => {
                    doubled = true;
                    at += 1;
                }
                // The quote may be the first half of a doubled one; the next byte decides.
                None if !view.at_end => return Close::More,
                _ => {
                    self.in_quotes = false;
                    return Close::At { quote: found, doubled };
                }
            }
        }
    }

    /// Records that a line inside quotes ends before `at`; returns the position at which to continue.
    fn pass_line_end(&mut self, view: View<'_>, at: usize) -> usize {
        if self.jumps == Jumps::Forbidden {
            return at;
        }
        let place = view.offset + at as u64;
        let known = (self.ahead.until.saturating_sub(view.offset)) as usize;
        // The jump must end within the view: beyond it nothing is known to be in memory.
        if place > self.ahead.from && place < self.ahead.until && known <= view.bytes.len() {
            self.jumps = Jumps::Taken;
            return known;
        }
        self.ahead.until = self.ahead.until.max(place);
        at
    }

    /// A quote that closes in the wrong place after the first line most likely opens a cell of a later row, so the
    /// fault is reported as an unclosed quote.
    fn fault(&self, column: usize) -> Found {
        Found::Fault(match self.open_column {
            Some(column) => QuoteFault::Unclosed { column },
            None if self.in_quotes => QuoteFault::Unclosed { column },
            None => QuoteFault::Followed { column },
        })
    }
}

/// The record that ends with the line end at `end`.
fn line_end(view: View<'_>, end: usize) -> Found {
    let next = match (view.bytes[end], view.bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => end + 2,
        // A lone CR at the end of the view may be half of a CRLF.
        (b'\r', None) if !view.at_end => return Found::More,
        _ => end + 1,
    };
    Found::Record { end, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> (Found, Vec<String>) {
        let mut record = Record::new();
        let view = View { bytes: text.as_bytes(), offset: 0, at_end: true };
        let found = Scanner::new(b',').scan(view, &mut record);
        record.set_text(text);
        (found, record.iter().map(str::to_owned).collect())
    }

    #[test]
    fn records_end_where_their_line_does() {
        for (text, end, next, cells) in [
            ("a,b\nc", 3, 4, &["a", "b"][..]),
            ("a,b\r\nc", 3, 5, &["a", "b"]),
            ("a,\rc", 2, 3, &["a", ""]),
            ("", 0, 0, &[""]),
            ("\"a\n\"\"b\",c\n", 9, 10, &["a\n\"b", "c"]),
            ("a\"b,\"\"\n", 6, 7, &["a\"b", ""]),
            ("\"a\"", 3, 3, &["a"]),
            ("\"a\", \"b, c\" ,  \"d \"\"e\"\"\"\n", 24, 25, &["a", "b, c", "d \"e\""]),
            ("a, \"b\nc\",d", 5, 6, &["a", " \"b"]),
            ("a, \"b\" c, \"\n", 11, 12, &["a", " \"b\" c", " \""]),
        ] {
            assert_eq!(
                scan(text),
                (Found::Record { end, next }, cells.iter().map(|c| (*c).to_owned()).collect())
            );
        }
    }

    #[test]
    fn a_quote_in_the_wrong_place_is_a_fault_of_its_column() {
        for (text, fault) in [
            ("a,\"b\"c\n", QuoteFault::Followed { column: 2 }),
            ("\"b\" ,c\n", QuoteFault::Followed { column: 1 }),
            ("a,\"b\n", QuoteFault::Unclosed { column: 2 }),
            ("a,\"b", QuoteFault::Unclosed { column: 2 }),
            ("a,\"b\nc,\"d\"\n", QuoteFault::Unclosed { column: 2 }),
            ("\"\"\"", QuoteFault::Unclosed { column: 1 }),
        ] {
            assert_eq!(scan(text).0, Found::Fault(fault), "{text}");
        }
    }

    #[test]
    fn without_the_end_of_the_text_a_torn_record_waits() {
        let text = "a,\"b\"\"\n\",c\r\n";
        let mut scanner = Scanner::new(b',');
        for length in 0..text.len() {
            let view = View { bytes: &text.as_bytes()[..length], offset: 0, at_end: false };
            let found = scanner.scan(view, &mut Record::new());
            assert_eq!(found, Found::More, "{length}");
        }
        let view = View { bytes: text.as_bytes(), offset: 0, at_end: false };
        let found = scanner.scan(view, &mut Record::new());
        assert_eq!(found, Found::Record { end: 10, next: 12 });
    }

    #[test]
    fn looking_ahead_changes_no_record() {
        let text = "x\",y,\"z\n".repeat(8) + "\"a\n\"\n";
        let mut kept = Scanner::new(b',');
        for start in (0..64).step_by(8) {
            let view = View { bytes: &text.as_bytes()[start..], offset: start as u64, at_end: true };
            let (mut one, mut other) = (Record::new(), Record::new());
            assert_eq!(kept.scan(view, &mut other), Scanner::new(b',').scan(view, &mut one));
        }
    }
}
