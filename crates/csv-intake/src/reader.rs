//! The reader itself: header, then rows with their position, over the layers below.

use std::io;

use memchr::memchr2;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::CsvError;
use super::decode::{self, BoxRead, Decoding};
use super::dialect::{Delimiter, ReadOptions, ShortRows, TextEncoding};
use super::encoding;
use super::lines::LineEnds;
use super::record::{Record, is_blank, is_blank_char};
use super::row::{Row, RowFault};
use super::scan::{Found, QuoteFault, Scanner, View};
use super::sniff::{self, SAMPLE_BYTES, Start};
use super::text::Text;

/// How much a reader accepts before it refuses the file.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Data rows, without the header.
    pub max_rows: u64,
    /// Bytes after decompression, before conversion to UTF-8.
    pub max_decoded_bytes: u64,
    /// Bytes of one record as UTF-8, with quotes, delimiters and line end. Bounds the reader's memory.
    pub max_record_bytes: usize,
    /// The source may end anywhere, since it is the start of a file: what it ends in is left out.
    pub is_cut: bool,
}

impl ReadLimits {
    /// The `max_record_bytes` to use unless there is a reason: eight times the longest cell of a spreadsheet.
    pub const USUAL_RECORD_BYTES: usize = 256 * 1024;

    /// No limit but that of a record: for files that were accepted before.
    pub const ACCEPTED: ReadLimits = ReadLimits {
        max_rows: u64::MAX,
        max_decoded_bytes: u64::MAX,
        max_record_bytes: Self::USUAL_RECORD_BYTES,
        is_cut: false,
    };
}

/// Reads the header and then row after row of one file.
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
    /// Columns up to the last one with a name: a row needs so many cells.
    width: usize,
    /// Line on which the next record begins.
    line: u64,
    rows: u64,
    /// The rest of a line is still to be passed over, since its row is too long.
    is_skipping: bool,
    /// Set after a failure, so that nobody takes it for the end of the file.
    is_broken: bool,
}

/// A record, and what is wrong with its quotes or its length.
struct Raw {
    line: u64,
    fault: Option<RowFault>,
}

/// What the bytes in memory give.
enum Taken {
    Record(Raw),
    End,
    More,
}

impl CsvReader {
    /// Reads up to the end of the header: tells gzip, encoding and delimiter from `options` and what is there.
    ///
    /// # Errors
    ///
    /// [`CsvError::Empty`] if there is no header; else whatever reading meets.
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
        // Before anything is taken, so that the guess sees the file from its start.
        if first_line.contains(&0) {
            return Err(reader.not_text(reader.line).await);
        }
        reader.read_header().await?;
        Ok(reader)
    }

    /// The header's names as uploaded, without white space and invisible characters around them.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The line on which the header begins.
    #[must_use]
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// The delimiter that was given or found.
    #[must_use]
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// The encoding that was given or found.
    #[must_use]
    pub fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// The options with which another reader reads the file in the same way.
    #[must_use]
    pub fn used_options(&self) -> ReadOptions {
        ReadOptions { encoding: Some(self.encoding), delimiter: Some(self.delimiter), ..self.options }
    }

    /// Reads the next data row into `record` and tells where it is; none at the end of the file.
    ///
    /// A row without fault has as many cells as the header. After an error every further call fails; a call that was
    /// dropped before it was ready took nothing.
    ///
    /// # Errors
    ///
    /// Whatever makes the file unreadable from here on.
    pub async fn next_row(&mut self, record: &mut Record) -> Result<Option<Row>, CsvError> {
        let raw = loop {
            match self.next_record(record).await? {
                None => return Ok(None),
                Some(raw) if raw.fault.is_none() && record.is_blank() => {}
                Some(raw) => break raw,
            }
        };
        if self.rows == self.limits.max_rows {
            self.is_broken = true;
            return Err(CsvError::TooManyRows { limit: self.limits.max_rows });
        }
        self.rows += 1;
        let fault = raw.fault.or_else(|| self.fit(record));
        Ok(Some(Row { number: self.rows, line: raw.line, fault }))
    }

    /// Makes the record as wide as the header, where that takes nothing from it and adds nothing to it.
    fn fit(&self, record: &mut Record) -> Option<RowFault> {
        let (found, expected) = (record.len(), self.header.len());
        if found == expected {
            return None;
        }
        if found > expected {
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

    async fn find_delimiter(&mut self) -> Result<Delimiter, CsvError> {
        loop {
            self.text.skip_marks();
            match sniff::look(self.text.view(), self.text.is_full()) {
                Start::More => self.read_more().await?,
                // Said beforehand, it needs no look at the rows.
                Start::Sample | Start::Header(_) if self.options.delimiter.is_some() => break,
                Start::Sample => self.read_up_to(SAMPLE_BYTES).await?,
                Start::Blank(length) => {
                    self.text.consume(length);
                    self.line += 1;
                }
                Start::Declared { length, delimiter } => {
                    self.text.consume(length);
                    self.line += 1;
                    return Ok(self.options.delimiter.unwrap_or(delimiter));
                }
                Start::Unknown => return Err(CsvError::UnknownSeparator { line: self.line }),
                Start::NotCsv(kind) => return Err(CsvError::NotCsv(kind)),
                Start::Header(delimiter) => return Ok(delimiter),
            }
        }
        Ok(self.options.delimiter.unwrap_or(Delimiter::Comma))
    }

    async fn read_header(&mut self) -> Result<(), CsvError> {
        let mut record = Record::new();
        let line = loop {
            let Raw { line, fault } = self.next_record(&mut record).await?.ok_or(CsvError::Empty)?;
            match fault {
                Some(RowFault::UnclosedQuote { column } | RowFault::QuoteInside { column }) => {
                    return Err(CsvError::HeaderQuotes { line, column });
                }
                Some(_) => {
                    return Err(CsvError::HeaderTooLong { line, limit_bytes: self.limits.max_record_bytes });
                }
                None if record.is_blank() => {}
                None => break line,
            }
        };
        if record.iter().any(|name| name.contains('\0')) {
            return Err(self.not_text(line).await);
        }
        self.header = record.iter().map(|name| name.trim_matches(is_blank_char).to_owned()).collect();
        self.header_line = line;
        self.width = self.header.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        Ok(())
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

    /// Takes the next record from what is in memory; fails with the line that is no text.
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
            Found::Record { end, next } if is_cut && end == next => return Ok(Taken::End),
            Found::Record { end, next } if next <= limit_bytes => return self.accept(record, end, next),
            Found::Fault(_) if is_cut && self.scanner.is_in_quotes() => return Ok(Taken::End),
            Found::Fault(QuoteFault::Unclosed { column }) => RowFault::UnclosedQuote { column },
            Found::Fault(QuoteFault::Followed { column }) => RowFault::QuoteInside { column },
            Found::More if view.bytes.len() <= limit_bytes => return Ok(Taken::More),
            Found::More | Found::Record { .. } => match self.scanner.open_column() {
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
        // Only a quoted cell can hold a line end.
        let lines = self.scanner.open_column().map_or(0, |_| LineEnds::of(raw));
        self.line += lines + 1;
        self.text.consume(next);
        Ok(Taken::Record(Raw { line, fault: None }))
    }

    /// Makes the first line of a record that is none a row of its own, so that reading goes on with the next line and no
    /// row is lost to a quote.
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
                // A line end that may be torn stays for the one who skips the line.
                self.text.consume(length - 1);
                return Ok(Taken::Record(Raw { line, fault: Some(RowFault::TooLong { limit_bytes }) }));
            }
        };
        let first = &view.bytes[..end];
        let text = str::from_utf8(first).map_err(|_| line)?;
        let fault = if next > limit_bytes { RowFault::TooLong { limit_bytes } } else { fault };
        if !matches!(fault, RowFault::TooLong { .. }) {
            self.scanner.split(first, record);
        }
        record.set_text(text);
        self.line += 1;
        self.text.consume(next);
        Ok(Taken::Record(Raw { line, fault: Some(fault) }))
    }

    /// Reads until another look is worth it.
    async fn read_more(&mut self) -> Result<(), CsvError> {
        let before = self.text.all().len();
        // A CR may be half a line end, whatever follows.
        let mut has_line_end = self.text.all().last() == Some(&b'\r');
        while !self.text.is_ended() {
            has_line_end |= self.read_piece().await?;
            if self.text.is_worth_a_scan(before, has_line_end) {
                break;
            }
        }
        Ok(())
    }

    /// Reads until there are so many bytes, or all.
    async fn read_up_to(&mut self, length: usize) -> Result<(), CsvError> {
        while self.text.all().len() < length && !self.text.is_ended() && !self.text.is_full() {
            self.read_piece().await?;
        }
        Ok(())
    }

    /// Reads once; true if there is a line end in what came.
    async fn read_piece(&mut self) -> Result<bool, CsvError> {
        match self.source.read(self.text.space()).await {
            Ok(length) => Ok(self.text.fill(length)),
            Err(error) => {
                self.is_broken = true;
                Err(io_error(error))
            }
        }
    }

    /// The refusal of a file whose `line` is no text, with a guess at what it is instead.
    async fn not_text(&mut self, line: u64) -> CsvError {
        let declared = self.options.encoding.filter(|encoding| *encoding == self.encoding);
        // The same bytes whatever the sizes in which they come. A source that fails now has given enough to say so.
        let _ = self.read_up_to(encoding::GUESS_BYTES).await;
        self.is_broken = true;
        CsvError::NotText {
            line,
            declared: declared.map(TextEncoding::name),
            likely: encoding::likely(self.text.view().bytes),
        }
    }
}

/// The end of the first line's content, and where the next line begins; none if that is not known yet.
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
