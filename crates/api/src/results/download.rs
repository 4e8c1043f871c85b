//! All results as one CSV file, written while it is sent: memory holds a few results objects and buffers, whatever the
//! size of the action and however slow the reader. Whatever goes wrong in the middle breaks the response off, so that half
//! a file is never taken for a whole one.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bulk_core::chunk::{ResultRow, RowStatus, decode_results};
use bulk_core::db::ActionRecord;
use bulk_core::storage::ObjectStore;
use bytes::Bytes;
use csv_intake::{CsvError, CsvReader, ReadLimits, ReadOptions, Record};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::Instrument;

use super::{every_chunk, objects};
use crate::error::ApiError;
use crate::retention::require_file;
use crate::share::Place;
use crate::state::AppState;

mod bitmap;
mod encoder;

use bitmap::RowBitmap;
use encoder::CsvEncoder;

/// Pieces that wait for a slow reader before the writer waits too.
const PIECES_IN_FLIGHT: usize = 2;
/// A reader who takes nothing for so long has gone, though his connection has not.
const LONGEST_STANDSTILL: Duration = Duration::from_secs(300);

/// What the writer hands to the response. One that ends without [`Piece::End`] was broken off, whatever the reason.
enum Piece {
    Rows(Bytes),
    End,
}

/// Which rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Every row with an outcome.
    Processed,
    /// Rows with this outcome.
    Only(RowStatus),
    /// Rows without an outcome: what a cancelled or failed action never reached.
    Unprocessed,
}

/// A download that is about to begin: the file's header has been read, so object storage answers.
pub(crate) struct Download {
    state: AppState,
    action: ActionRecord,
    header: Vec<String>,
    selection: Selection,
    encoder: CsvEncoder,
}

/// Why a download ended early.
enum Interrupted {
    /// Whoever fetched it has gone.
    Abandoned,
    /// Something failed.
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Interrupted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Download {
    /// Reads the header that the rows were uploaded under.
    ///
    /// # Errors
    /// When object storage is away.
    pub(crate) async fn open(
        state: AppState,
        action: ActionRecord,
        selection: Selection,
        spreadsheet_safe: bool,
    ) -> Result<Self, ApiError> {
        let header = uploaded_header(&state, &action).await?;
        Ok(Self { state, action, header, selection, encoder: CsvEncoder::new(spreadsheet_safe) })
    }

    /// The body of the response, which holds `place` until everything has been written.
    pub(crate) fn into_body(self, place: Place) -> Body {
        let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        tokio::spawn(
            async move {
                let _place = place;
                if let Err(Interrupted::Failed(error)) = self.write(&sender).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "broke off a download");
                }
            }
            .in_current_span(),
        );
        Body::from_stream(stream::try_unfold(receiver, async |mut receiver| match receiver.recv().await {
            Some(Piece::Rows(rows)) => Ok(Some((rows, receiver))),
            Some(Piece::End) => Ok(None),
            // An error makes the server end the response without its proper end.
            None => Err(io::Error::other("the results could not be read to their end")),
        }))
    }

    async fn write(mut self, sender: &mpsc::Sender<Piece>) -> Result<(), Interrupted> {
        self.encoder.header(&self.header);
        match self.selection {
            Selection::Processed => self.write_processed(None, sender).await?,
            Selection::Only(status) => self.write_processed(Some(status), sender).await?,
            Selection::Unprocessed => self.write_unprocessed(sender).await?,
        }
        send(sender, Piece::Rows(self.encoder.take())).await?;
        send(sender, Piece::End).await
    }

    async fn write_processed(
        &mut self,
        status: Option<RowStatus>,
        sender: &mpsc::Sender<Piece>,
    ) -> Result<(), Interrupted> {
        let chunks = every_chunk(&self.state, &self.action, status);
        let mut objects = std::pin::pin!(objects(&self.state, &self.action, chunks));
        while let Some((_, object)) = objects.try_next().await? {
            let (_, rows) = decode_results(&object).map_err(ApiError::internal)?;
            for row in rows {
                let row = row.map_err(ApiError::internal)?;
                if status.is_none_or(|wanted| row.status == wanted) {
                    self.encoder.row(
                        row.row(),
                        row.status.as_str(),
                        &reason(&row),
                        row.record_id(),
                        row.fields(),
                    );
                }
                if self.encoder.is_worth_sending() {
                    send(sender, Piece::Rows(self.encoder.take())).await?;
                }
            }
        }
        Ok(())
    }

    async fn write_unprocessed(&mut self, sender: &mpsc::Sender<Piece>) -> Result<(), Interrupted> {
        let processed = self.processed_rows().await?;
        let mut raw = open_raw(&self.state.dependencies.store, &self.action).await?;
        let mut record = Record::new();
        while let Some(row) = raw.next_row(&mut record).await.map_err(unreadable)? {
            if !processed.contains(row.number) {
                self.encoder.row(&row.number.to_string(), "unprocessed", "", "", record.iter());
            }
            if self.encoder.is_worth_sending() {
                send(sender, Piece::Rows(self.encoder.take())).await?;
            }
        }
        Ok(())
    }

    async fn processed_rows(&self) -> Result<RowBitmap, ApiError> {
        let mut processed = RowBitmap::new(u64::try_from(self.action.total_rows).unwrap_or_default());
        let chunks = every_chunk(&self.state, &self.action, None);
        let mut objects = std::pin::pin!(objects(&self.state, &self.action, chunks));
        while let Some((_, object)) = objects.try_next().await? {
            let (_, rows) = decode_results(&object).map_err(ApiError::internal)?;
            for row in rows {
                let row = row.map_err(ApiError::internal)?;
                processed.insert(row.row().parse().map_err(ApiError::internal)?);
            }
        }
        Ok(processed)
    }
}

/// The header of the uploaded file; of the results where the file has gone before them.
async fn uploaded_header(state: &AppState, action: &ActionRecord) -> Result<Vec<String>, ApiError> {
    if require_file(action, &state.config.retention).is_ok() {
        return Ok(open_raw(&state.dependencies.store, action).await?.header().to_vec());
    }
    let first = every_chunk(state, action, None).take(1);
    match std::pin::pin!(objects(state, action, first)).try_next().await? {
        Some((_, object)) => Ok(decode_results(&object).map_err(ApiError::internal)?.0),
        // Without a row nobody misses the columns.
        None => Ok(Vec::new()),
    }
}

/// The file was accepted within the limits of its time; they may have become smaller since, so none apply here.
async fn open_raw(store: &ObjectStore, action: &ActionRecord) -> Result<CsvReader, ApiError> {
    let source = store.open(&action.file_key).await?;
    CsvReader::open(source, ReadLimits::ACCEPTED, &ReadOptions::default()).await.map_err(unreadable)
}

/// The file was readable when it was accepted.
fn unreadable(error: CsvError) -> ApiError {
    if error.is_file_fault() { ApiError::internal(error) } else { ApiError::Unavailable(Some(error.into())) }
}

async fn send(sender: &mpsc::Sender<Piece>, piece: Piece) -> Result<(), Interrupted> {
    match timeout(LONGEST_STANDSTILL, sender.send(piece)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Interrupted::Abandoned),
    }
}

/// The code, with its sentence where it has one.
fn reason(row: &ResultRow) -> String {
    match row.message() {
        "" => row.code().to_owned(),
        message => format!("{}: {message}", row.code()),
    }
}
