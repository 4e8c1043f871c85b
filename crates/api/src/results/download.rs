//! All results as one CSV file, generated while it is sent: memory holds a few results objects and buffers, independent
//! of the size of the action and the speed of the client. An error in the middle aborts the response, so that a partial
//! file is never taken for a complete one.
//!
//! While the action runs, the rows come in commit order. Once it is finished they come in file order, with the same
//! bytes every time, so that an interrupted download can be continued.

use std::io;
use std::ops::Range;

use axum::body::Body;
use bulk_core::chunk::{ResultRow, RowStatus, decode_results};
use bulk_core::db::ActionRecord;
use bulk_core::storage::ObjectStore;
use csv_intake::{CsvError, CsvReader, Delimiter, ReadLimits, Record};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::file_order::FileOrder;
use super::{every_chunk, objects};
use crate::error::ApiError;
use crate::retention::require_file;
use crate::share::HeldPlace;
use crate::state::AppState;

mod bitmap;
mod encoder;
mod lengths;
mod output;

use bitmap::RowBitmap;
use encoder::CsvEncoder;
use output::{Interrupted, Output, Piece};

/// Pieces that may wait for a slow client before the writer waits too.
const PIECES_IN_FLIGHT: usize = 2;
/// Version of the format, part of the ETag; change it when the bytes of a finished action's results change.
const FORMAT: u32 = 1;

/// Rows to include.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Every row with an outcome.
    Processed,
    /// Rows with this outcome.
    Only(RowStatus),
    /// Rows without an outcome, which a cancelled or failed action never reached.
    Unprocessed,
}

impl Selection {
    fn name(self) -> &'static str {
        match self {
            Self::Processed => "all",
            Self::Only(status) => status.as_str(),
            Self::Unprocessed => "unprocessed",
        }
    }
}

/// A download before its first byte. The file's header has been read, so object storage works.
pub(crate) struct Download {
    state: AppState,
    action: ActionRecord,
    header: Vec<String>,
    selection: Selection,
    /// Cell separator of a spreadsheet export.
    spreadsheet: Option<Delimiter>,
}

impl Download {
    /// Reads the header of the uploaded file.
    ///
    /// # Errors
    /// If object storage is unavailable.
    pub(crate) async fn open(
        state: AppState,
        action: ActionRecord,
        selection: Selection,
        spreadsheet_safe: bool,
    ) -> Result<Self, ApiError> {
        let (header, delimiter) = uploaded_header(&state, &action).await?;
        Ok(Self { state, action, header, selection, spreadsheet: spreadsheet_safe.then_some(delimiter) })
    }

    /// True if every row has its final outcome, unless the action is retried.
    pub(crate) fn is_complete(&self) -> bool {
        !self.action.status.is_unfinished()
    }

    /// The ETag of a complete download.
    pub(crate) fn etag(&self) -> Option<String> {
        let (action, selection) = (&self.action, self.selection.name());
        let spreadsheet = self.spreadsheet.map_or_else(String::new, |by| format!("-{:02x}", by.byte()));
        // A retry can only add commits, so the number of commits identifies the content.
        self.is_complete()
            .then(|| format!("\"{}-{}-{selection}{spreadsheet}-{FORMAT}\"", action.id, action.chunks_done))
    }

    /// Length of a complete download in bytes. If it is not known from an earlier download, the file is generated once
    /// without being sent.
    ///
    /// # Errors
    /// If the database or object storage is unavailable.
    pub(crate) async fn length(&self) -> Result<u64, ApiError> {
        let Some(etag) = self.etag() else { return Err(ApiError::internal("the length is not settled")) };
        if let Some(length) = lengths::known(&etag) {
            return Ok(length);
        }
        let mut output = Output::into_nothing();
        match self.write(&mut output).await {
            Ok(()) => Ok(self.settled(&output)),
            Err(Interrupted::Failed(error)) => Err(error),
            Err(Interrupted::Abandoned | Interrupted::Enough) => {
                Err(ApiError::internal("nobody was to be sent to"))
            }
        }
    }

    /// The response body: the bytes of `window`, or all. Holds `place` until everything has been written.
    pub(crate) fn into_body(self, window: Option<Range<u64>>, place: HeldPlace) -> Body {
        let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        tokio::spawn(
            async move {
                let _place = place;
                let mut output = Output::new(sender, window);
                match self.write(&mut output).await {
                    Ok(()) => {
                        self.settled(&output);
                        output.end().await;
                    }
                    Err(Interrupted::Enough) => output.end().await,
                    Err(Interrupted::Abandoned) => {}
                    Err(Interrupted::Failed(error)) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "aborted a download");
                    }
                }
            }
            .in_current_span(),
        );
        Body::from_stream(stream::try_unfold(receiver, async |mut receiver| match receiver.recv().await {
            Some(Piece::Rows(rows)) => Ok(Some((rows, receiver))),
            Some(Piece::End) => Ok(None),
            // An error makes the server abort the response without its regular end.
            None => Err(io::Error::other("the results could not be read to their end")),
        }))
    }

    /// Records the length of a download that was generated to its end.
    fn settled(&self, output: &Output) -> u64 {
        if let Some(etag) = self.etag() {
            lengths::note(etag, output.written_bytes());
        }
        output.written_bytes()
    }

    async fn write(&self, output: &mut Output) -> Result<(), Interrupted> {
        let mut encoder = CsvEncoder::new(self.spreadsheet);
        encoder.header(&self.header);
        match self.selection {
            Selection::Unprocessed => self.write_unprocessed(&mut encoder, output).await?,
            _ if self.is_complete() => self.write_in_file_order(&mut encoder, output).await?,
            _ => self.write_as_committed(&mut encoder, output).await?,
        }
        output.send(encoder.take()).await
    }

    fn status(&self) -> Option<RowStatus> {
        match self.selection {
            Selection::Only(status) => Some(status),
            Selection::Processed | Selection::Unprocessed => None,
        }
    }

    async fn write_in_file_order(
        &self,
        encoder: &mut CsvEncoder,
        output: &mut Output,
    ) -> Result<(), Interrupted> {
        let mut rows = FileOrder::open(&self.state, &self.action, self.status()).await?;
        while let Some(row) = rows.next().await? {
            write_row(encoder, &row);
            if encoder.is_worth_sending() {
                output.send(encoder.take()).await?;
            }
        }
        Ok(())
    }

    async fn write_as_committed(
        &self,
        encoder: &mut CsvEncoder,
        output: &mut Output,
    ) -> Result<(), Interrupted> {
        let status = self.status();
        let chunks = every_chunk(&self.state, &self.action, status);
        let mut objects = std::pin::pin!(objects(&self.state, &self.action, chunks));
        while let Some((_, object)) = objects.try_next().await? {
            let (_, rows) = decode_results(object.as_ref()).map_err(ApiError::internal)?;
            for row in rows {
                let row = row.map_err(ApiError::internal)?;
                if status.is_none_or(|wanted| row.status == wanted) {
                    write_row(encoder, &row);
                }
            }
            if encoder.is_worth_sending() {
                output.send(encoder.take()).await?;
            }
        }
        Ok(())
    }

    async fn write_unprocessed(
        &self,
        encoder: &mut CsvEncoder,
        output: &mut Output,
    ) -> Result<(), Interrupted> {
        let processed = self.processed_rows().await?;
        let mut raw = open_raw(&self.state.dependencies.store, &self.action).await?;
        let mut record = Record::new();
        while let Some(row) = raw.next_row(&mut record).await.map_err(unreadable)? {
            if !processed.contains(row.number) {
                encoder.row(&row.number.to_string(), "unprocessed", "", "", record.iter());
            }
            if encoder.is_worth_sending() {
                output.send(encoder.take()).await?;
            }
        }
        Ok(())
    }

    async fn processed_rows(&self) -> Result<RowBitmap, ApiError> {
        let mut processed = RowBitmap::new(u64::try_from(self.action.total_rows).unwrap_or_default());
        let chunks = every_chunk(&self.state, &self.action, None);
        let mut objects = std::pin::pin!(objects(&self.state, &self.action, chunks));
        while let Some((_, object)) = objects.try_next().await? {
            let (_, rows) = decode_results(object.as_ref()).map_err(ApiError::internal)?;
            for row in rows {
                let row = row.map_err(ApiError::internal)?;
                processed.insert(row.row().parse().map_err(ApiError::internal)?);
            }
        }
        Ok(processed)
    }
}

/// Header and delimiter of the uploaded file, or of the results if the file has been removed.
async fn uploaded_header(
    state: &AppState,
    action: &ActionRecord,
) -> Result<(Vec<String>, Delimiter), ApiError> {
    if require_file(action, &state.config.retention).is_ok() {
        let raw = open_raw(&state.dependencies.store, action).await?;
        return Ok((raw.header().to_vec(), raw.delimiter()));
    }
    let first = every_chunk(state, action, None).take(1);
    let header = match std::pin::pin!(objects(state, action, first)).try_next().await? {
        Some((_, object)) => decode_results(object.as_ref()).map_err(ApiError::internal)?.0,
        // Without rows the columns do not matter.
        None => Vec::new(),
    };
    Ok((header, Delimiter::Comma))
}

/// The file was accepted under the limits of its time, which may have been lowered since, so none apply here.
async fn open_raw(store: &ObjectStore, action: &ActionRecord) -> Result<CsvReader, ApiError> {
    let source = store.open(&action.file_key).await?;
    CsvReader::open(source, ReadLimits::ACCEPTED, &action.configuration.intake.read).await.map_err(unreadable)
}

/// The file was readable when it was accepted, so an error is a defect or an outage.
fn unreadable(error: CsvError) -> ApiError {
    if error.is_file_fault() { ApiError::internal(error) } else { ApiError::Unavailable(Some(error.into())) }
}

fn write_row(encoder: &mut CsvEncoder, row: &ResultRow) {
    encoder.row(row.row(), row.status.as_str(), &reason(row), row.record_id(), row.fields());
}

/// The code, with its message if it has one.
fn reason(row: &ResultRow) -> String {
    match row.message() {
        "" => row.code().to_owned(),
        message => format!("{}: {message}", row.code()),
    }
}
