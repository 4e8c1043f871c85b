//! The reader itself: header, then rows with their position, over the layers below.

use std::io;

use csv_async::{AsyncReader, AsyncReaderBuilder, ByteRecord, ErrorKind, FromUtf8Error, StringRecord};
use tokio::io::AsyncRead;

use super::CsvError;
use super::decode::{self, BoxRead};
use super::guard::RecordGuard;
use super::sniff::{self, Delimiter};

/// The parser's buffer. Best of twelve runs over 1,000,000 rows (78 MB, 4 fields, 1 quoted) on two busy cores, ns per
/// row from memory and from a file: 8 KiB 212 and 292, 64 KiB 147 and 182, 256 KiB 144 and 143, 1 MiB 182 and 189
/// (2026-11-24). From 64 KiB up the order changed from run to run; each reader keeps two such buffers.
const BUFFER_BYTES: usize = 64 * 1024;

/// How much a reader accepts before it refuses the file.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Data rows, without the header.
    pub max_rows: u64,
    /// Bytes after decompression, before conversion from UTF-16.
    pub max_decoded_bytes: u64,
    /// Bytes of one record as UTF-8, with quotes, delimiters and line end. Bounds the reader's memory.
    pub max_record_bytes: usize,
}

impl ReadLimits {
    /// The `max_record_bytes` to use unless there is a reason: eight times the longest cell of a spreadsheet. What it
    /// costs is a record of nothing but delimiters, for the parser keeps 8 bytes per field: a reader of such rows takes
    /// 4 MiB, and with a limit of 1 MiB it took 15 MiB (peak resident size, 2026-11-24).
    pub const USUAL_RECORD_BYTES: usize = 256 * 1024;
}

/// Where a data row is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPosition {
    /// Number of the data row, from 1.
    pub row: u64,
    /// Line of the file on which the row begins, from 1; the header, blank lines and line ends inside quotes count
    /// (there only with an LF).
    pub line: u64,
}

/// Reads the header and then row after row of one CSV file.
pub struct CsvReader {
    records: AsyncReader<RecordGuard<BoxRead>>,
    delimiter: Delimiter,
    header: Vec<String>,
    limits: ReadLimits,
    rows: u64,
    /// The record that is filled next, kept so that its memory is used again; absent while it is being filled.
    spare: Option<ByteRecord>,
    /// Set from the start of a read until it succeeds, so that nobody reads on after a failure or an abandoned call:
    /// the parser would report an early end of the file, or half a record.
    is_broken: bool,
}

impl CsvReader {
    /// Reads up to the end of the header: tells gzip, encoding and delimiter from what is there.
    ///
    /// # Errors
    ///
    /// [`CsvError::Empty`] if there is no header; else whatever reading meets.
    pub async fn open<R>(source: R, limits: ReadLimits) -> Result<CsvReader, CsvError>
    where
        R: AsyncRead + Send + Unpin + 'static,
    {
        let (guard, delimiter) = open_text(source, limits).await.map_err(io_error)?;
        let records = AsyncReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter.byte())
            .buffer_capacity(BUFFER_BYTES)
            .create_reader(guard);
        let mut reader = CsvReader {
            records,
            delimiter,
            header: Vec::new(),
            limits,
            rows: 0,
            spare: None,
            is_broken: false,
        };
        let mut header = StringRecord::new();
        let line = reader.next_record(&mut header).await?.ok_or(CsvError::Empty)?;
        if header.as_slice().contains('\0') {
            return Err(CsvError::NotText { line });
        }
        reader.header = header.iter().map(|name| name.trim().to_owned()).collect();
        Ok(reader)
    }

    /// The header's names as uploaded, trimmed.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The delimiter found in the header line.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// Reads the next data row into `record` and tells where it is; none at the end of the file.
    ///
    /// The number of fields is the caller's business: compare `record.len()` with the header's. After an error, or when
    /// the future was dropped before it was ready, every further call fails.
    ///
    /// # Errors
    ///
    /// Whatever makes the file unreadable from here on.
    pub async fn next_row(&mut self, record: &mut StringRecord) -> Result<Option<RowPosition>, CsvError> {
        let Some(line) = self.next_record(record).await? else { return Ok(None) };
        if self.rows == self.limits.max_rows {
            self.is_broken = true;
            return Err(CsvError::TooManyRows { limit: self.limits.max_rows });
        }
        self.rows += 1;
        Ok(Some(RowPosition { row: self.rows, line }))
    }

    /// Reads a record and returns the line on which it begins.
    async fn next_record(&mut self, record: &mut StringRecord) -> Result<Option<u64>, CsvError> {
        if self.is_broken {
            return Err(CsvError::Io(io::Error::other("an earlier read failed or was abandoned")));
        }
        self.is_broken = true;
        let mut bytes = self.spare.take().unwrap_or_default();
        let (offset, parser_line) = (self.records.position().byte(), self.records.position().line());
        self.records.get_mut().begin_record(offset, parser_line);
        let is_record = self.records.read_byte_record(&mut bytes).await.map_err(parser_error)?;
        if is_record {
            let line = self.check_record()?;
            let mut text = StringRecord::from_byte_record(bytes).map_err(|error| not_text(line, error))?;
            std::mem::swap(record, &mut text);
            self.spare = Some(text.into_byte_record());
            self.is_broken = false;
            return Ok(Some(line));
        }
        self.spare = Some(bytes);
        self.is_broken = false;
        Ok(None)
    }

    /// Checks what the parser let pass in the record just read; returns the line on which it begins.
    fn check_record(&self) -> Result<u64, CsvError> {
        let guard = self.records.get_ref();
        let line = guard.record_line();
        guard.check_length(self.records.position().byte())?;
        if guard.is_passed() {
            return Err(CsvError::UnterminatedQuote { line });
        }
        Ok(line)
    }
}

async fn open_text<R>(source: R, limits: ReadLimits) -> io::Result<(RecordGuard<BoxRead>, Delimiter)>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let mut text = decode::decode(source, limits.max_decoded_bytes).await?;
    let sniffed = sniff::sniff(&mut text, limits.max_record_bytes).await?;
    let text = decode::put_back(sniffed.prefix, text);
    Ok((RecordGuard::new(text, limits.max_record_bytes, sniffed.skipped), sniffed.delimiter))
}

fn io_error(error: io::Error) -> CsvError {
    CsvError::from_io(error, CsvError::Io)
}

fn parser_error(error: csv_async::Error) -> CsvError {
    match error.into_kind() {
        ErrorKind::Io(error) => io_error(error),
        // Flexible byte records have no other way to fail; should a new version find one, the file is not to blame.
        other => CsvError::Io(io::Error::other(format!("{other:?}"))),
    }
}

/// The line of the first invalid byte, in a record that begins on `line`.
fn not_text(line: u64, error: FromUtf8Error) -> CsvError {
    let (field, valid_up_to) = (error.utf8_error().field(), error.utf8_error().valid_up_to());
    let record = error.into_byte_record();
    let valid_bytes = record.range(field).map_or(0, |range| range.start + valid_up_to);
    let lines_before = record.as_slice().iter().take(valid_bytes).filter(|&&byte| byte == b'\n').count();
    CsvError::NotText { line: line + lines_before as u64 }
}
