//! Workbook uploads. The sheet can be found only after the whole file has arrived, so the workbook is kept in a
//! temporary file until then. The sheet then streams as CSV text to the inspector and into storage like any other file.

use std::fs::File;
use std::io::{self, Write};

use bulk_core::action::Intake;
use bytes::Bytes;
use csv_intake::HeaderLine;
use csv_intake::workbook::{self, WorkbookError};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::error::ApiError;

/// Concurrent conversions. Each uses a processor, and memory for the strings that its cells share.
static CONVERSIONS: Semaphore = Semaphore::const_new(2);
/// Pieces of text that may wait for storage before the conversion waits too.
const PIECES_IN_FLIGHT: usize = 4;

/// An uploaded workbook in a temporary file, which is deleted on drop.
pub(super) struct Spool(tokio::fs::File);

impl Spool {
    /// An empty file.
    ///
    /// # Errors
    /// If the disk does not allow it.
    pub(super) async fn new() -> Result<Self, ApiError> {
        let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(ApiError::internal)?;
        Ok(Self(tokio::fs::File::from_std(file.map_err(ApiError::internal)?)))
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// If the disk is full.
    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        self.0.write_all(piece).await.map_err(ApiError::internal)
    }

    /// Starts the conversion of the named sheet, or of the first visible one, from the named row of its header on.
    ///
    /// # Errors
    /// If the disk is full.
    pub(super) async fn convert(mut self, intake: &Intake, max_csv_bytes: u64) -> Result<Sheet, ApiError> {
        let (sheet, header_row) = (intake.sheet.clone(), intake.read.header_line);
        self.0.flush().await.map_err(ApiError::internal)?;
        let file = self.0.into_std().await;
        let permit = CONVERSIONS.acquire().await.map_err(ApiError::internal)?;
        let (sender, pieces) = mpsc::channel(PIECES_IN_FLIGHT);
        let conversion = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            convert(file, sheet.as_deref(), header_row, max_csv_bytes, sender)
        });
        Ok(Sheet { pieces, conversion })
    }
}

fn convert(
    file: File,
    sheet: Option<&str>,
    header_row: Option<HeaderLine>,
    max_csv_bytes: u64,
    sender: mpsc::Sender<Bytes>,
) -> Result<String, WorkbookError> {
    workbook::convert(io::BufReader::new(file), sheet, header_row, max_csv_bytes, PieceWriter(sender))
}

/// The text of a sheet during its conversion. Dropping it stops the conversion.
pub(super) struct Sheet {
    pieces: mpsc::Receiver<Bytes>,
    conversion: JoinHandle<Result<String, WorkbookError>>,
}

impl Sheet {
    /// The next piece of text.
    pub(super) async fn next_piece(&mut self) -> Option<Bytes> {
        self.pieces.recv().await
    }

    /// Name of the converted sheet, after the last piece.
    ///
    /// # Errors
    /// The reason for rejecting the workbook.
    pub(super) async fn finish(self) -> Result<String, ApiError> {
        self.conversion.await.map_err(ApiError::internal)?.map_err(refusal)
    }
}

/// Passes text from a blocking thread to the request.
struct PieceWriter(mpsc::Sender<Bytes>);

impl Write for PieceWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::other("the upload has ended");
        self.0.blocking_send(Bytes::copy_from_slice(text)).map_err(gone)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn refusal(error: WorkbookError) -> ApiError {
    match error {
        WorkbookError::SheetNotFound { .. } => ApiError::invalid("sheet", error.to_string()),
        WorkbookError::TooManyBytes { .. } | WorkbookError::TooLarge(_) => {
            ApiError::FileTooLarge(error.to_string())
        }
        error if error.is_file_fault() => ApiError::invalid("file", error.to_string()),
        error => ApiError::internal(error),
    }
}
