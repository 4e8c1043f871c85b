//! The start of a file, up to the end of its header: lines above it, the delimiter, the names.

use super::{CsvReader, Raw, first_line};
use crate::CsvError;
use crate::dialect::{Delimiter, HeaderLine};
use crate::error::HeaderLineFault;
use crate::record::{Record, is_blank_char};
use crate::row::RowFault;
use crate::sniff::{self, SAMPLE_BYTES, Start};

impl CsvReader {
    /// Moves to the header and returns the delimiter, which was given, declared or detected.
    pub(super) async fn find_delimiter(&mut self) -> Result<Delimiter, CsvError> {
        let given = self.options.delimiter;
        if let Some(wanted) = self.options.header_line
            && let Some(declared) = self.skip_to(wanted).await?
        {
            return Ok(given.unwrap_or(declared));
        }
        loop {
            self.text.skip_marks();
            match sniff::look(self.text.view(), self.text.is_full()) {
                Start::More => self.read_more().await?,
                // With a given delimiter the rows need not be examined.
                Start::Sample | Start::Header(_) if given.is_some() => break,
                Start::Sample => self.read_up_to(SAMPLE_BYTES).await?,
                Start::Blank(_) if self.options.header_line.is_some() => {
                    return Err(self.no_header(HeaderLineFault::Blank));
                }
                Start::Declared { .. } if self.options.header_line.is_some() => {
                    return Err(self.no_header(HeaderLineFault::Separator));
                }
                Start::Blank(length) => {
                    self.text.consume(length);
                    self.line += 1;
                }
                Start::Declared { length, delimiter } => {
                    self.text.consume(length);
                    self.line += 1;
                    return Ok(given.unwrap_or(delimiter));
                }
                Start::Unknown => return Err(CsvError::UnknownSeparator { line: self.line }),
                Start::NotCsv(kind) => return Err(CsvError::NotCsv(kind)),
                Start::Header(delimiter) => return Ok(delimiter),
            }
        }
        Ok(given.unwrap_or(Delimiter::Comma))
    }

    /// Leaves out the lines above the header's, of any length and content, and returns the delimiter that the first of them
    /// declares. What is no table at all is refused as without a header line.
    async fn skip_to(&mut self, wanted: HeaderLine) -> Result<Option<Delimiter>, CsvError> {
        let (mut declared, mut is_first) = (None, true);
        while self.line < wanted.get() {
            self.text.skip_marks();
            let view = self.text.view();
            let ends = first_line(view);
            if ends.is_none() && !view.at_end && !self.text.is_full() {
                self.read_more().await?;
                continue;
            }
            let (end, next) = ends.unwrap_or((view.bytes.len(), view.bytes.len()));
            let first = is_first.then(|| sniff::first_line(&view.bytes[..end], next)).flatten();
            is_first = matches!(first, Some(Start::Blank(_)));
            match first {
                Some(Start::Unknown) => return Err(CsvError::UnknownSeparator { line: self.line }),
                Some(Start::NotCsv(kind)) => return Err(CsvError::NotCsv(kind)),
                Some(Start::Declared { delimiter, .. }) => declared = Some(delimiter),
                _ => {}
            }
            while !self.text.skip_line() {
                if self.text.is_ended() {
                    return Err(self.no_header(HeaderLineFault::BeyondEnd));
                }
                self.read_piece().await?;
            }
            self.line += 1;
        }
        Ok(declared)
    }

    pub(super) async fn read_header(&mut self) -> Result<(), CsvError> {
        let mut record = Record::new();
        let line = loop {
            let Some(Raw { line, fault }) = self.next_record(&mut record).await? else {
                return Err(self.no_header(HeaderLineFault::BeyondEnd));
            };
            match fault {
                Some(RowFault::UnclosedQuote { column } | RowFault::QuoteInside { column }) => {
                    return Err(CsvError::HeaderQuotes { line, column });
                }
                Some(_) => {
                    return Err(CsvError::HeaderTooLong { line, limit_bytes: self.limits.max_record_bytes });
                }
                None if record.is_blank() && self.options.header_line.is_some() => {
                    return Err(self.no_header(HeaderLineFault::Blank));
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

    /// The error for a header that is not where it was said to be, or nowhere.
    fn no_header(&self, fault: HeaderLineFault) -> CsvError {
        let Some(wanted) = self.options.header_line else { return CsvError::Empty };
        let fault = match fault {
            HeaderLineFault::BeyondEnd if self.limits.is_cut => HeaderLineFault::BeyondStart,
            HeaderLineFault::BeyondEnd if wanted.get() == 1 => return CsvError::Empty,
            fault => fault,
        };
        CsvError::HeaderLine { line: wanted.get(), fault }
    }
}
