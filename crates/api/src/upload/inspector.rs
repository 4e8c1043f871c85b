//! Reads the file while it streams by: its header and its number of rows. It sees the same bytes as object storage and
//! uses the same reader as the chunking worker, so every accepted file can be processed.

use std::io;

use bulk_core::config::UploadConfig;
use bulk_core::value;
use bytes::Bytes;
use csv_intake::{CsvError, CsvReader, HeaderLine, ReadLimits, ReadOptions, Record};
use futures::stream;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;
use tokio_util::task::AbortOnDropHandle;

use super::header_check::HeaderCheck;
use super::inspection::{FirstRows, Inspection};
use crate::compute;
use crate::error::ApiError;

/// Pieces of the body that may wait for the reader before the upload waits too.
const PIECES_IN_FLIGHT: usize = 2;

/// Reason for rejecting a file.
#[derive(Debug)]
pub(super) struct FileRefusal {
    /// The error of the response.
    pub(super) error: ApiError,
    /// Fields with which the file might be readable.
    pub(super) remedies: &'static [&'static str],
}

impl From<ApiError> for FileRefusal {
    fn from(error: ApiError) -> Self {
        Self { error, remedies: &[] }
    }
}

/// A reader running beside the upload. Dropping it stops the reading.
pub(super) struct Inspector {
    pieces: mpsc::Sender<Bytes>,
    verdict: AbortOnDropHandle<Result<Inspection, FileRefusal>>,
}

impl Inspector {
    /// Starts reading. With `check`, an invalid header is rejected as soon as it is read.
    pub(super) fn start(config: &UploadConfig, options: ReadOptions, check: Option<HeaderCheck>) -> Self {
        let (pieces, mut receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let shown = stream::poll_fn(move |context| {
            receiver.poll_recv(context).map(|piece: Option<Bytes>| piece.map(io::Result::Ok))
        });
        let verdict = compute::spawn(inspect(StreamReader::new(shown), limits(config), options, check));
        Self { pieces, verdict: AbortOnDropHandle::new(verdict) }
    }

    /// Passes on the next piece. Returns false once there is a verdict, which can then only be a rejection.
    pub(super) async fn show(&self, piece: Bytes) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    /// The verdict on the pieces so far.
    ///
    /// # Errors
    /// The reason for rejecting the file.
    pub(super) async fn finish(self) -> Result<Inspection, FileRefusal> {
        drop(self.pieces);
        self.verdict.await.map_err(ApiError::internal)?
    }
}

/// Reads a stored file again, because a later field changed how it must be read.
///
/// # Errors
/// The reason for rejecting the file.
pub(super) async fn inspect_stored<R>(
    source: R,
    config: &UploadConfig,
    options: ReadOptions,
) -> Result<Inspection, ApiError>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let verdict = compute::spawn(inspect(source, limits(config), options, None));
    let inspected = AbortOnDropHandle::new(verdict).await.map_err(ApiError::internal)?;
    inspected.map_err(|refusal| refusal.error)
}

fn limits(config: &UploadConfig) -> ReadLimits {
    ReadLimits {
        max_rows: config.max_rows,
        // A few kilobytes of gzip can expand to terabytes, so the limit applies to the expanded size.
        max_decoded_bytes: config.max_file_size_bytes,
        ..ReadLimits::ACCEPTED
    }
}

async fn inspect<R>(
    source: R,
    limits: ReadLimits,
    options: ReadOptions,
    check: Option<HeaderCheck>,
) -> Result<Inspection, FileRefusal>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let mut reader = CsvReader::open(source, limits, &options).await.map_err(refusal)?;
    let (mut record, mut row_count, mut first_rows) = (Record::new(), 0, FirstRows::default());
    if let Some(check) = check
        && let Err(refusal) = check.check(reader.header())
    {
        while !first_rows.is_full()
            && let Ok(Some(row)) = reader.next_row(&mut record).await
        {
            first_rows.keep(row, &record);
        }
        return Err(check.with_header_below(refusal, reader.header(), &first_rows).into());
    }
    let mut used = vec![false; reader.header().len()];
    let mut full = vec![true; reader.header().len()];
    while let Some(row) = reader.next_row(&mut record).await.map_err(refusal)? {
        row_count = row.number;
        first_rows.keep(row, &record);
        for (position, (used, full)) in used.iter_mut().zip(&mut full).enumerate() {
            let has_value = record.get(position).is_some_and(has_value);
            *used |= has_value;
            *full &= has_value;
        }
    }
    if row_count == 0 {
        return Err(ApiError::invalid("file", "the file has a header but no rows").into());
    }
    let (header, read) = (reader.header().to_vec(), reader.used_options());
    Ok(Inspection { header, row_count, used, full, read, first_rows })
}

/// True if a cell has a value after cleaning. The common case, a leading letter or digit, is fast.
fn has_value(cell: &str) -> bool {
    cell.starts_with(|first: char| first.is_ascii_alphanumeric()) || !value::clean(cell).is_empty()
}

fn refusal(error: CsvError) -> FileRefusal {
    // One row too many is not among them: titles above a header hardly make the difference, and waiting for it would have
    // every file that is too long uploaded to its end.
    let remedies: &[&str] = match error {
        CsvError::NotText { line, .. } if line < HeaderLine::MAX => &["encoding", "headerLine"],
        CsvError::NotText { .. } | CsvError::IsUtf8 { .. } => &["encoding"],
        CsvError::HeaderQuotes { .. } | CsvError::HeaderTooLong { .. } => &["headerLine"],
        _ => &[],
    };
    let error = match error {
        CsvError::HeaderLine { .. } => ApiError::invalid("headerLine", error.to_string()),
        CsvError::TooManyRows { .. } => ApiError::TooManyRows(error.to_string()),
        CsvError::TooManyBytes { .. } => ApiError::FileTooLarge(error.to_string()),
        error if error.is_file_fault() => ApiError::invalid("file", error.to_string()),
        error => ApiError::internal(error),
    };
    FileRefusal { error, remedies }
}
