//! The two kinds of CSV object that the workers write. Only this file knows their columns.
//!
//! A chunk object holds the rows of one chunk with their uploaded fields unchanged, and the reason for each row that
//! the chunking worker refused. Refused rows stay in their chunk so that every row is counted exactly once, when its
//! chunk commits. A results object holds the same rows with their outcomes. Both start with a header line that ends
//! with the uploaded header. A row may have more or fewer fields than the header, because malformed rows are kept as
//! uploaded.

use std::io;

use csv::StringRecord;
use thiserror::Error;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{RecordId, RowCode, RowOutcome, RowStatus};

const CHUNK_COLUMNS: [&str; 3] = ["_row", "_code", "_message"];
const RESULT_COLUMNS: [&str; 5] = ["_row", "_status", "_code", "_message", "_id"];

/// The object does not have the expected form: it was damaged, truncated or replaced.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ChunkDecodeError(String);

impl From<csv::Error> for ChunkDecodeError {
    fn from(error: csv::Error) -> Self {
        Self(error.to_string())
    }
}

/// Rows encoded as CSV in memory. Writing to memory cannot fail, so the interface has no errors.
struct Buffer {
    csv: csv::Writer<Vec<u8>>,
    row_count: usize,
    field_bytes: usize,
}

impl Buffer {
    fn new(own_columns: &[&str], header: &[String]) -> Self {
        let csv = csv::WriterBuilder::new().flexible(true).buffer_capacity(8 * 1024).from_writer(Vec::new());
        let mut buffer = Self { csv, row_count: 0, field_bytes: 0 };
        buffer.write(own_columns, header.iter().map(String::as_str));
        buffer.row_count = 0;
        buffer
    }

    fn write<'a>(&mut self, own: &[&str], fields: impl Iterator<Item = &'a str>) {
        own.iter().for_each(|field| self.write_field(field));
        fields.for_each(|field| self.write_field(field));
        let ended = self.csv.write_record(None::<&[u8]>);
        debug_assert!(ended.is_ok(), "a Vec takes every write");
        self.row_count += 1;
    }

    fn write_field(&mut self, field: &str) {
        self.field_bytes += field.len() + 1;
        let written = self.csv.write_field(field);
        debug_assert!(written.is_ok(), "a Vec takes every write");
    }

    fn finish(self) -> Vec<u8> {
        self.csv.into_inner().unwrap_or_default()
    }
}

/// Builds a chunk object.
pub struct ChunkEncoder(Buffer);

impl ChunkEncoder {
    /// An empty chunk of a file with this header.
    #[must_use]
    pub fn new(header: &[String]) -> Self {
        Self(Buffer::new(&CHUNK_COLUMNS, header))
    }

    /// Adds row number `row`, with the reason if the chunking worker refused it.
    pub fn push<'a>(
        &mut self,
        row: u64,
        refusal: Option<(RowCode, &'a str)>,
        fields: impl Iterator<Item = &'a str>,
    ) {
        let (code, message) = refusal.map_or(("", ""), |(code, message)| (code.as_str(), message));
        let row = row.to_string();
        self.0.write(&[row.as_str(), code, message], fields);
    }

    /// Rows so far.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.0.row_count
    }

    /// Approximate size of the object so far, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.0.field_bytes
    }

    /// The finished object.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.finish()
    }
}

/// Builds a results object.
pub struct ResultsEncoder(Buffer);

impl ResultsEncoder {
    /// Empty results of a file with this header.
    #[must_use]
    pub fn new(header: &[String]) -> Self {
        Self(Buffer::new(&RESULT_COLUMNS, header))
    }

    /// Adds a row with its outcome.
    pub fn push<'a>(&mut self, row: &str, outcome: &RowOutcome, fields: impl Iterator<Item = &'a str>) {
        let mut uuid_text = Uuid::encode_buffer();
        let number_text;
        let id = match outcome.record_id {
            None => "",
            Some(RecordId::Uuid(id)) => id.hyphenated().encode_lower(&mut uuid_text),
            Some(RecordId::Bigint(id)) => {
                number_text = id.to_string();
                &number_text
            }
        };
        let own = [row, outcome.status.as_str(), outcome.code.as_str(), outcome.message.as_str(), id];
        self.0.write(&own, fields);
    }

    /// The finished object.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.finish()
    }
}

/// The rows of a chunk object. One string holds all fields, so that a row needs no allocation of its own.
#[derive(Debug)]
pub struct ChunkRows {
    text: String,
    /// Field `i` lies between bounds `i` and `i + 1` in `text`.
    bounds: Vec<usize>,
    rows: Vec<RowSpan>,
}

#[derive(Debug)]
struct RowSpan {
    /// Index of the row's first field among all fields.
    first: usize,
    fields: usize,
    refusal: Option<RowCode>,
}

impl ChunkRows {
    fn with_capacity(bytes: usize, row_count: usize) -> Self {
        Self { text: String::with_capacity(bytes), bounds: vec![0], rows: Vec::with_capacity(row_count) }
    }

    fn push(&mut self, record: &StringRecord, refusal: Option<RowCode>) {
        let first = self.bounds.len() - 1;
        for field in record {
            self.text.push_str(field);
            self.bounds.push(self.text.len());
        }
        self.rows.push(RowSpan { first, fields: record.len(), refusal });
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, in the chunk's order.
    pub fn iter(&self) -> impl Iterator<Item = ChunkRow<'_>> {
        self.rows.iter().map(|row| ChunkRow {
            text: &self.text,
            bounds: &self.bounds[row.first..=row.first + row.fields],
            refusal: row.refusal,
        })
    }
}

/// A row of a chunk object.
#[derive(Debug, Clone, Copy)]
pub struct ChunkRow<'a> {
    text: &'a str,
    bounds: &'a [usize],
    refusal: Option<RowCode>,
}

impl<'a> ChunkRow<'a> {
    /// The row's number in the uploaded file, as text.
    #[must_use]
    pub fn row(&self) -> &'a str {
        self.at(0).unwrap_or_default()
    }

    /// Reason for the chunking worker's refusal, if it refused the row.
    #[must_use]
    pub fn refusal(&self) -> Option<(RowCode, &'a str)> {
        self.refusal.map(|code| (code, self.at(2).unwrap_or_default()))
    }

    /// The uploaded fields.
    pub fn fields(&self) -> impl Iterator<Item = &'a str> {
        let row = *self;
        (CHUNK_COLUMNS.len()..).map_while(move |index| row.at(index))
    }

    /// The uploaded field at `index`, or `None` if the row is shorter.
    #[must_use]
    pub fn field(&self, index: usize) -> Option<&'a str> {
        self.at(CHUNK_COLUMNS.len() + index)
    }

    fn at(&self, index: usize) -> Option<&'a str> {
        self.text.get(*self.bounds.get(index)?..*self.bounds.get(index + 1)?)
    }
}

/// Hash that identifies a chunk object: stored when the object is written, compared when it is read or written again.
#[must_use]
pub fn content_hash(object: &[u8]) -> i64 {
    i64::from_ne_bytes(xxh3_64(object).to_ne_bytes())
}

/// Decodes a chunk object into the uploaded header and the rows.
///
/// # Errors
/// [`ChunkDecodeError`] if it is not a complete chunk object of `row_count` rows.
pub fn decode_chunk(bytes: &[u8], row_count: usize) -> Result<(Vec<String>, ChunkRows), ChunkDecodeError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = uploaded_header(reader.headers()?, &CHUNK_COLUMNS)?;
    let mut rows = ChunkRows::with_capacity(bytes.len(), row_count);
    let mut record = StringRecord::new();
    while reader.read_record(&mut record)? {
        if record.len() < CHUNK_COLUMNS.len() || record[0].parse::<u64>().is_err() {
            return Err(ChunkDecodeError(format!("line {} is not a chunk row", rows.len() + 2)));
        }
        let refusal = match &record[1] {
            "" => None,
            code => Some(
                RowCode::parse(code)
                    .ok_or_else(|| ChunkDecodeError(format!("row {}: unknown code", &record[0])))?,
            ),
        };
        rows.push(&record, refusal);
    }
    if rows.len() != row_count {
        return Err(ChunkDecodeError(format!("it holds {} rows instead of {row_count}", rows.len())));
    }
    Ok((header, rows))
}

/// A row of a results object.
#[derive(Debug, Clone)]
pub struct ResultRow {
    record: StringRecord,
    /// Counter that the row adds to.
    pub status: RowStatus,
}

impl ResultRow {
    /// The row's number in the uploaded file, as text.
    #[must_use]
    pub fn row(&self) -> &str {
        &self.record[0]
    }

    /// Code of the reason for the status.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.record[2]
    }

    /// Message for a person; may be empty.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.record[3]
    }

    /// Id of the affected record; may be empty.
    #[must_use]
    pub fn record_id(&self) -> &str {
        &self.record[4]
    }

    /// Bytes of all fields together.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.record.as_slice().len()
    }

    /// The uploaded fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.record.iter().skip(RESULT_COLUMNS.len())
    }

    /// The uploaded field at `index`, or `None` if the row is shorter.
    #[must_use]
    pub fn field(&self, index: usize) -> Option<&str> {
        self.record.get(RESULT_COLUMNS.len() + index)
    }
}

/// Decodes a results object into the uploaded header and an iterator over the rows.
///
/// # Errors
/// [`ChunkDecodeError`] if it is not a results object.
pub fn decode_results<R: io::Read>(object: R) -> Result<(Vec<String>, ResultRows<R>), ChunkDecodeError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(object);
    let header = uploaded_header(reader.headers()?, &RESULT_COLUMNS)?;
    Ok((header, ResultRows(reader.into_records())))
}

/// The rows of a results object, in the chunk's order.
pub struct ResultRows<R>(csv::StringRecordsIntoIter<R>);

impl<R: io::Read> Iterator for ResultRows<R> {
    type Item = Result<ResultRow, ChunkDecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = |record: Result<StringRecord, csv::Error>| {
            let record = record?;
            let status = record.get(1).and_then(RowStatus::parse);
            match status {
                Some(status) if record.len() >= RESULT_COLUMNS.len() => Ok(ResultRow { record, status }),
                _ => Err(ChunkDecodeError("a line is not a results row".to_owned())),
            }
        };
        self.0.next().map(row)
    }
}

fn uploaded_header(found: &StringRecord, own: &[&str]) -> Result<Vec<String>, ChunkDecodeError> {
    if found.iter().take(own.len()).ne(own.iter().copied()) {
        return Err(ChunkDecodeError("its first line is not the header it was written with".to_owned()));
    }
    Ok(found.iter().skip(own.len()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<String> {
        vec!["email".to_owned(), "na,me".to_owned()]
    }

    #[test]
    fn a_chunk_reads_back_as_it_was_written() {
        let mut encoder = ChunkEncoder::new(&header());
        encoder.push(7, None, ["a@b.c", "line\nbreak \"quoted\""].into_iter());
        encoder.push(9, Some((RowCode::Malformed, "too few")), ["x"].into_iter());
        assert_eq!(encoder.row_count(), 2);
        let (found, rows) = decode_chunk(&encoder.finish(), 2).unwrap();
        let rows: Vec<_> = rows.iter().collect();
        assert_eq!(found, header());
        assert_eq!((rows[0].row(), rows[0].refusal()), ("7", None));
        assert_eq!((rows[0].field(0), rows[0].field(1)), (Some("a@b.c"), Some("line\nbreak \"quoted\"")));
        assert_eq!(rows[0].field(2), None);
        assert_eq!(rows[1].refusal(), Some((RowCode::Malformed, "too few")));
        assert_eq!(rows[1].fields().collect::<Vec<_>>(), ["x"]);
    }

    #[test]
    fn a_truncated_chunk_is_refused() {
        let mut encoder = ChunkEncoder::new(&header());
        encoder.push(1, None, ["a@b.c", "A"].into_iter());
        encoder.push(2, None, ["b@b.c", "B"].into_iter());
        let bytes = encoder.finish();
        assert!(decode_chunk(&bytes[..bytes.len() - 10], 2).is_err());
        assert!(decode_chunk(b"", 2).is_err());
        assert!(decode_chunk(b"<Error>gone</Error>", 2).is_err());
    }

    #[test]
    fn results_read_back_as_they_were_written() {
        let id = Uuid::new_v4();
        let mut encoder = ResultsEncoder::new(&header());
        encoder.push(
            "3",
            &RowOutcome::success(RowCode::Created, Some(RecordId::Uuid(id))),
            ["a@b.c", ""].into_iter(),
        );
        encoder.push(
            "4",
            &RowOutcome::failed(RowCode::Invalid, "age must be a number"),
            ["b", "c"].into_iter(),
        );
        let bytes = encoder.finish();
        let (_, rows) = decode_results(bytes.as_slice()).unwrap();
        let rows: Vec<_> = rows.map(Result::unwrap).collect();
        assert_eq!(
            (rows[0].row(), rows[0].code(), rows[0].record_id()),
            ("3", "created", id.to_string().as_str())
        );
        assert_eq!((rows[1].status, rows[1].message()), (RowStatus::Failed, "age must be a number"));
        assert_eq!(rows[1].fields().collect::<Vec<_>>(), ["b", "c"]);
    }
}
