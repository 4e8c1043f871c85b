//! The reader: header, then rows with their positions, based on the layers below.

use std::io;

use memchr::memchr2;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::decode::{self, BoxRead, Decoding};
use super::dialect::{Delimiter, ReadOptions, ShortRows, TextEncoding};
use super::kind::FileKind;
use super::lines::LineEnds;
use super::record::{Record, is_blank};
use super::row::{Row, RowFault};
use super::scan::{Found, QuoteFault, Scanner, View};
use super::text::Text;
use super::{CsvError, encoding};

mod start;

/// Limits beyond which a file is refused.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Data rows, without the header.
    pub max_rows: u64,
    /// Bytes after decompression, before conversion to UTF-8.
    pub max_decoded_bytes: u64,
    /// Bytes of one record as UTF-8, with quotes, delimiters and line end. Limits the reader's memory.
    pub max_record_bytes: usize,
    /// True if the source is only the start of a file. An incomplete last record is then left out.
    pub is_cut: bool,
}

impl ReadLimits {
    /// The usual `max_record_bytes`: eight times the longest cell of a spreadsheet.
    const USUAL_RECORD_BYTES: usize = 256 * 1024;

    /// Only the limit of a record: for files that were accepted before.
    pub const ACCEPTED: ReadLimits = ReadLimits {
        max_rows: u64::MAX,
        max_decoded_bytes: u64::MAX,
        max_record_bytes: Self::USUAL_RECORD_BYTES,
        is_cut: false,
    };
}

/// Reads the header and then the rows of a file.
pub struct CsvReader {
    source: BoxRead,
    text: Text,
    scanner: Scanner,
    delimiter: Delimiter,
    encoding: TextEncoding,
    options: ReadOptions,
    limits: ReadLimits,
    header: Vec<String>,
    header_line: u64,
    /// Number of columns up to the last named one; a row needs this many cells.
    width: usize,
    /// Line on which the next record starts.
    line: u64,
    rows: u64,
    /// True while the rest of a too long row is being skipped.
    is_skipping: bool,
    /// Set after a failure, so that it is not taken for the end of the file.
    is_broken: bool,
}

/// A record with the fault of its quotes or length, if any.
struct Raw {
    line: u64,
    fault: Option<RowFault>,
}

/// Result of looking at the bytes in memory.
enum Taken {
    Record(Raw),
    End,
    More,
}

impl CsvReader {
    /// Reads up to the end of the header. Gzip, encoding and delimiter come from `options` or are detected.
    ///
    /// # Errors
    ///
    /// [`CsvError::Empty`] if there is no header; otherwise any error of reading.
    pub async fn open<R>(source: R, limits: ReadLimits, options: &ReadOptions) -> Result<CsvReader, CsvError>
    where
        R: AsyncRead + Send + Unpin + 'static,
    {
        let how = Decoding {
            max_decoded_bytes: limits.max_decoded_bytes,
            encoding: options.encoding,
            is_cut: limits.is_cut,
        };
        let decoded = decode::decode(source, &how).await.map_err(io_error)?;
        let mut reader = CsvReader {
            source: decoded.text,
            text: Text::new(limits.max_record_bytes),
            scanner: Scanner::new(Delimiter::Comma.byte()),
            delimiter: Delimiter::Comma,
            encoding: decoded.encoding,
            options: *options,
            limits,
            header: Vec::new(),
            header_line: 1,
            width: 0,
            line: 1,
            rows: 0,
            is_skipping: false,
            is_broken: false,
        };
        reader.delimiter = reader.find_delimiter().await?;
        reader.scanner = Scanner::new(reader.delimiter.byte());
        let view = reader.text.view();
        let first_line = first_line(view).map_or(view.bytes, |(end, _)| &view.bytes[..end]);
        // Before anything is consumed, so that the guess at the encoding sees the file from its start.
        if first_line.contains(&0) {
            return Err(reader.not_text(reader.line).await);
        }
        reader.read_header().await?;
        Ok(reader)
    }

    /// The uploaded names, without surrounding white space and invisible characters.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Line on which the header starts.
    #[must_use]
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// The given or detected delimiter.
    #[must_use]
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// The given or detected encoding.
    #[must_use]
    pub fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// The options with which another reader reads the file in the same way.
    #[must_use]
    pub fn used_options(&self) -> ReadOptions {
        ReadOptions { encoding: Some(self.encoding), delimiter: Some(self.delimiter), ..self.options }
    }

    /// Reads the next data row into `record` and returns its position; `None` at the end of the file.
    ///
    /// A row without a fault has as many cells as the header. After an error every further call fails. A call that is
    /// dropped before completion consumes nothing.
    ///
    /// # Errors
    ///
    /// Anything that makes the file unreadable from here on.
    pub async fn next_row(&mut self, record: &mut Record) -> Result<Option<Row>, CsvError> {
        let raw = loop {
            match self.next_record(record).await? {
                None => return Ok(None),
                // Blank lines are no rows and do not count.
                Some(raw) if raw.fault.is_none() && record.is_blank() => {}
                Some(raw) => break raw,
            }
        };
        // Checked when a further row exists, so that a file with exactly `max_rows` rows is accepted.
        if self.rows == self.limits.max_rows {
            self.is_broken = true;
            return Err(CsvError::TooManyRows { limit: self.limits.max_rows });
        }
        self.rows += 1;
        let fault = raw.fault.or_else(|| self.fit(record));
        Ok(Some(Row { number: self.rows, line: raw.line, fault }))
    }

    /// Makes the record as wide as the header, if that changes none of its values.
    fn fit(&self, record: &mut Record) -> Option<RowFault> {
        let (found, expected) = (record.len(), self.header.len());
        if found == expected {
            return None;
        }
        if found > expected {
            // Spreadsheets often add empty cells at the end of a line.
            if record.iter().skip(expected).all(is_blank) {
                record.truncate(expected);
                return None;
            }
            return Some(RowFault::Cells { found, expected });
        }
        if found < self.width && self.options.short_rows == ShortRows::Fail {
            return Some(RowFault::Cells { found, expected: self.width });
        }
        record.fill_up(expected);
        None
    }

    async fn next_record(&mut self, record: &mut Record) -> Result<Option<Raw>, CsvError> {
        if self.is_broken {
            return Err(CsvError::Io(io::Error::other("an earlier read failed")));
        }
        loop {
            match self.take(record) {
                Ok(Taken::Record(raw)) => return Ok(Some(raw)),
                Ok(Taken::End) => return Ok(None),
                Ok(Taken::More) => self.read_more().await?,
                Err(line) => return Err(self.not_text(line).await),
            }
        }
    }

    /// Takes the next record from memory. The error is the line that is not text.
    fn take(&mut self, record: &mut Record) -> Result<Taken, u64> {
        if self.is_skipping {
            if !self.text.skip_line() {
                return Ok(if self.text.is_ended() { Taken::End } else { Taken::More });
            }
            self.is_skipping = false;
            self.line += 1;
        }
        self.text.skip_marks();
        let view = self.text.view();
        if view.bytes.is_empty() {
            return Ok(if view.at_end { Taken::End } else { Taken::More });
        }
        let limit_bytes = self.limits.max_record_bytes;
        let is_cut = view.at_end && self.limits.is_cut;
        let fault = match self.scanner.scan(view, record) {
            // The start of a file ends here, perhaps in the middle of a record: leave that record out.
            Found::Record { end, next } if is_cut && end == next => return Ok(Taken::End),
            Found::Record { end, next } if next <= limit_bytes => return self.accept(record, end, next),
            Found::Fault(_) if is_cut && self.scanner.is_in_quotes() => return Ok(Taken::End),
            Found::Fault(QuoteFault::Unclosed { column }) => RowFault::UnclosedQuote { column },
            Found::Fault(QuoteFault::Followed { column }) => RowFault::QuoteInside { column },
            // Not too long yet, so the end of the record may still arrive.
            Found::More if view.bytes.len() <= limit_bytes => return Ok(Taken::More),
            Found::More | Found::Record { .. } => match self.scanner.open_column() {
                // A cell that never ends swallows the following rows; the quote is a better explanation than the
                // length.
                Some(column) if self.scanner.is_in_quotes() => RowFault::UnclosedQuote { column },
                _ => RowFault::TooLong { limit_bytes },
            },
        };
        self.refuse(record, fault)
    }

    fn accept(&mut self, record: &mut Record, end: usize, next: usize) -> Result<Taken, u64> {
        let line = self.line;
        let raw = &self.text.view().bytes[..end];
        let text = str::from_utf8(raw).map_err(|error| line + LineEnds::of(&raw[..error.valid_up_to()]))?;
        record.set_text(text);
        // Only quoted cells can contain line ends.
        let lines = self.scanner.open_column().map_or(0, |_| LineEnds::of(raw));
        self.line += lines + 1;
        self.text.consume(next);
        Ok(Taken::Record(Raw { line, fault: None }))
    }

    /// Turns the first line of an invalid record into a row of its own, so that reading continues with the next line
    /// and a stray quote does not swallow further rows.
    fn refuse(&mut self, record: &mut Record, fault: RowFault) -> Result<Taken, u64> {
        let line = self.line;
        let limit_bytes = self.limits.max_record_bytes;
        let view = self.text.view();
        record.clear();
        let (end, next) = match first_line(view) {
            Some(ends) => ends,
            None if view.at_end => (view.bytes.len(), view.bytes.len()),
            None if view.bytes.len() <= limit_bytes => return Ok(Taken::More),
            None => {
                self.is_skipping = true;
                let length = view.bytes.len();
                // The last byte may be the first half of a line end, so it is left for skipping the line.
                self.text.consume(length - 1);
                return Ok(Taken::Record(Raw { line, fault: Some(RowFault::TooLong { limit_bytes }) }));
            }
        };
        let first = &view.bytes[..end];
        let text = str::from_utf8(first).map_err(|_| line)?;
        // The line decides: a record that is too long because of its quotes may have a short first line.
        let fault = if next > limit_bytes { RowFault::TooLong { limit_bytes } } else { fault };
        if !matches!(fault, RowFault::TooLong { .. }) {
            self.scanner.split(first, record);
        }
        record.set_text(text);
        self.line += 1;
        self.text.consume(next);
        Ok(Taken::Record(Raw { line, fault: Some(fault) }))
    }

    /// Reads until another scan is worthwhile.
    async fn read_more(&mut self) -> Result<(), CsvError> {
        let before = self.text.all().len();
        // A CR may be the first half of a line end.
        let mut has_line_end = self.text.all().last() == Some(&b'\r');
        while !self.text.is_ended() {
            has_line_end |= self.read_piece().await?;
            if self.text.is_worth_a_scan(before, has_line_end) {
                break;
            }
        }
        Ok(())
    }

    /// Reads until this many bytes are in memory, or all there are.
    async fn read_up_to(&mut self, length: usize) -> Result<(), CsvError> {
        while self.text.all().len() < length && !self.text.is_ended() && !self.text.is_full() {
            self.read_piece().await?;
        }
        Ok(())
    }

    /// Reads once; returns true if the new bytes contain a line end.
    async fn read_piece(&mut self) -> Result<bool, CsvError> {
        match self.source.read(self.text.space()).await {
            Ok(length) => Ok(self.text.fill(length)),
            Err(error) => {
                self.is_broken = true;
                Err(io_error(error))
            }
        }
    }

    /// The error for a `line` that is not text, with a guess at the encoding.
    async fn not_text(&mut self, line: u64) -> CsvError {
        let declared = self.options.encoding.filter(|encoding| *encoding == self.encoding);
        // The guess is based on the same bytes for any sizes in which they arrive. If the source fails now, the
        // bytes so far are enough.
        let _ = self.read_up_to(encoding::GUESS_BYTES).await;
        self.is_broken = true;
        if self.rows == 0
            && let Some(kind) = FileKind::of_binary(self.text.view().bytes)
        {
            return CsvError::NotCsv(kind);
        }
        CsvError::NotText { line, declared, likely: encoding::likely(self.text.view().bytes) }
    }
}

/// The end of the first line's content and the start of the next line; `None` if that is not known yet.
fn first_line(view: View<'_>) -> Option<(usize, usize)> {
    let end = memchr2(b'\n', b'\r', view.bytes)?;
    match (view.bytes[end], view.bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => Some((end, end + 2)),
        (b'\r', None) if !view.at_end => None,
        _ => Some((end, end + 1)),
    }
}

fn io_error(error: io::Error) -> CsvError {
    CsvError::from_io(error, CsvError::Io)
}
