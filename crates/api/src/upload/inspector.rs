//! Reads the file while it streams by: its header, and how many rows it has. It sees the same bytes as object storage
//! and reads them with the same reader as the chunking worker, so what it accepts can be processed.

use std::io;

use bulk_core::config::UploadConfig;
use bulk_core::value;
use bytes::Bytes;
use csv_intake::{CsvError, CsvReader, ReadLimits, ReadOptions, Record};
use futures::stream;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;
use tokio_util::task::AbortOnDropHandle;

use super::header_check::HeaderCheck;
use crate::compute;
use crate::error::ApiError;

/// Pieces of the body that wait for the reader before the upload waits too.
const PIECES_IN_FLIGHT: usize = 2;

/// What the file turned out to be.
#[derive(Debug)]
pub(super) struct Inspection {
    /// The header's names.
    pub(super) header: Vec<String>,
    /// Data rows; at least one.
    pub(super) row_count: u64,
    /// For each column, whether any row has a value in it.
    pub(super) used: Vec<bool>,
    /// For each column, whether every row has a value in it.
    pub(super) full: Vec<bool>,
}

/// A reader at work beside the upload. Dropping it ends the reading.
pub(super) struct Inspector {
    pieces: mpsc::Sender<Bytes>,
    verdict: AbortOnDropHandle<Result<Inspection, ApiError>>,
}

impl Inspector {
    /// Starts reading. With `check`, the header is refused as soon as it is there.
    pub(super) fn start(config: &UploadConfig, check: Option<HeaderCheck>) -> Self {
        let limits = ReadLimits {
            max_rows: config.max_rows,
            // A few kilobytes of gzip can hide terabytes, so the limit is on what is in there.
            max_decoded_bytes: config.max_file_size_bytes,
            ..ReadLimits::ACCEPTED
        };
        let (pieces, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let verdict = compute::spawn(inspect(receiver, limits, check));
        Self { pieces, verdict: AbortOnDropHandle::new(verdict) }
    }

    /// Shows the next piece; false once there is a verdict, which can then only be a refusal.
    pub(super) async fn show(&self, piece: Bytes) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    /// The verdict on what was shown.
    ///
    /// # Errors
    /// Why the file is refused.
    pub(super) async fn finish(self) -> Result<Inspection, ApiError> {
        drop(self.pieces);
        self.verdict.await.map_err(ApiError::internal)?
    }
}

async fn inspect(
    mut pieces: mpsc::Receiver<Bytes>,
    limits: ReadLimits,
    check: Option<HeaderCheck>,
) -> Result<Inspection, ApiError> {
    let pieces =
        stream::poll_fn(move |context| pieces.poll_recv(context).map(|piece| piece.map(io::Result::Ok)));
    let mut reader =
        CsvReader::open(StreamReader::new(pieces), limits, &ReadOptions::default()).await.map_err(refusal)?;
    if let Some(check) = check {
        check.check(reader.header())?;
    }
    let (mut record, mut row_count) = (Record::new(), 0);
    let mut used = vec![false; reader.header().len()];
    let mut full = vec![true; reader.header().len()];
    while let Some(row) = reader.next_row(&mut record).await.map_err(refusal)? {
        row_count = row.number;
        for (position, (used, full)) in used.iter_mut().zip(&mut full).enumerate() {
            let has_value = record.get(position).is_some_and(has_value);
            *used |= has_value;
            *full &= has_value;
        }
    }
    if row_count == 0 {
        return Err(ApiError::invalid("file", "the file has a header but no rows"));
    }
    Ok(Inspection { header: reader.header().to_vec(), row_count, used, full })
}

/// Whether a cell has a value, as the column will read it. Most begin with a letter or a digit.
fn has_value(cell: &str) -> bool {
    cell.starts_with(|first: char| first.is_ascii_alphanumeric()) || !value::clean(cell).is_empty()
}

fn refusal(error: CsvError) -> ApiError {
    match error {
        CsvError::TooManyRows { .. } => ApiError::TooManyRows(error.to_string()),
        CsvError::TooManyBytes { .. } => ApiError::FileTooLarge(error.to_string()),
        error if error.is_file_fault() => ApiError::invalid("file", error.to_string()),
        error => ApiError::internal(error),
    }
}
