//! Cuts a stored file into chunks: parse, check, deduplicate, partition, write. One pass in bounded memory: at most one
//! unfinished chunk per partition and the few being written.

use std::sync::Arc;

use async_trait::async_trait;
use bulk_core::action::ActionType;
use bulk_core::chunk::{ChunkEncoder, RowCode};
use bulk_core::config::Config;
use bulk_core::db::{DbError, FileClaim, FrozenError};
use bulk_core::dependencies::Dependencies;
use bulk_core::entity::{ColumnMap, Entity, FieldProblem, Layout};
use bulk_core::health::{Dependency, Outage};
use bulk_core::storage::StorageError;
use csv_intake::{CsvError, CsvReader, ReadLimits, Record, Row};
use thiserror::Error;

use crate::dedupe::SeenKeys;
use crate::exact_length::{ExactLength, WrongSize};
use crate::partition::partition_of;
use crate::writer::{ChunkWriter, WriteError};

/// Reason why a file was not cut completely.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// The file is invalid, and a retry cannot help; the message is for the uploader.
    #[error("{0}")]
    File(String),
    /// A chunk could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file could not be opened.
    #[error("the uploaded file cannot be opened: {0}")]
    Storage(#[from] StorageError),
    /// The declaration of its upload cannot be read.
    #[error(transparent)]
    Entity(#[from] FrozenError),
    /// A defect: the code panicked.
    #[error("reading the file panicked; the worker's standard error says where")]
    Panicked,
    /// The stored file differs from the uploaded one.
    #[error("the stored file is damaged: {0}. Retry the action once it is restored, or upload it again")]
    Damaged(String),
    /// Reading was interrupted.
    #[error("reading the uploaded file broke off: {0}")]
    Read(std::io::Error),
}

impl FileError {
    /// The error as an outage, if waiting may help; the attempt is not counted.
    pub(crate) fn outage(&self) -> Option<Outage> {
        match self {
            Self::Write(WriteError::Database(error)) => error.outage(),
            Self::Write(WriteError::Storage(error)) | Self::Storage(error) => error.outage(),
            Self::Read(error) => Some(Outage::new(Dependency::Minio, error)),
            Self::Entity(error) => error.outage(),
            Self::Panicked
            | Self::Damaged(_)
            | Self::File(_)
            | Self::Write(WriteError::Changed { .. } | WriteError::Aborted(_)) => None,
        }
    }

    /// A transaction for this file conflicted with others several times in a row.
    pub(crate) fn is_contention(&self) -> bool {
        matches!(self, Self::Write(WriteError::Database(error)) if error.is_contention())
    }

    /// The lease is lost, or the action is paused or finished.
    pub(crate) fn is_fenced(&self) -> bool {
        matches!(self, Self::Write(WriteError::Database(DbError::Fenced)))
    }
}

impl From<CsvError> for FileError {
    fn from(error: CsvError) -> Self {
        match error {
            CsvError::Io(error) => match WrongSize::of(&error) {
                Some(wrong) => Self::Damaged(wrong.to_string()),
                None => Self::Read(error),
            },
            file_fault => Self::File(file_fault.to_string()),
        }
    }
}

/// Rows between two calls of [`Pause`].
const ROWS_BETWEEN_PAUSES: u64 = 1_000;

/// Hook called periodically between two rows.
#[async_trait]
pub(crate) trait Pause: Send {
    /// Delays reading for as long as others should have the slot.
    async fn pause(&mut self);
}

/// Cuts a claimed file into chunks. All of them are recorded when this returns.
pub(crate) async fn chunk_file(
    dependencies: &Dependencies,
    config: &Config,
    claim: FileClaim,
    pause: &mut dyn Pause,
) -> Result<(), FileError> {
    let frozen = &dependencies.entities;
    let entity = frozen.get(&dependencies.pool, &claim.entity_type, claim.entity_hash).await?;
    let source = dependencies.store.open(&claim.file_key).await.map_err(|error| match error {
        StorageError::NotFound => FileError::Damaged("there is no such object".to_owned()),
        error => FileError::Storage(error),
    })?;
    let source = ExactLength::new(source, claim.file_size_bytes);
    // The limits at the time of the upload may have been different; now only the number of rows must be the same.
    let limits = ReadLimits { max_rows: claim.total_rows, ..ReadLimits::ACCEPTED };
    let mut reader = CsvReader::open(source, limits, &claim.intake.read).await?;
    let mut cutter = Cutter::new(dependencies, config, &claim, entity, reader.header().to_vec())?;
    let mut record = Record::new();
    let mut rows = 0;
    while let Some(row) = reader.next_row(&mut record).await? {
        cutter.add(row, &record).await?;
        rows = row.number;
        if rows.is_multiple_of(ROWS_BETWEEN_PAUSES) {
            pause.pause().await;
        }
    }
    // A different number of rows means different rows, whose chunks must not be mixed with recorded ones.
    if rows != claim.total_rows {
        let expected = claim.total_rows;
        return Err(FileError::File(format!("the file has {rows} rows, at upload it had {expected}")));
    }
    cutter.finish().await
}

struct Cutter {
    entity: Arc<Entity>,
    action: ActionType,
    map: ColumnMap,
    header: Vec<String>,
    seen: Option<SeenKeys>,
    chunk_size: usize,
    chunk_size_bytes: usize,
    /// For each partition, the sequence number of its open chunk and the chunk.
    open: Vec<(i32, ChunkEncoder)>,
    writer: ChunkWriter,
}

impl Cutter {
    fn new(
        dependencies: &Dependencies,
        config: &Config,
        claim: &FileClaim,
        entity: Arc<Entity>,
        header: Vec<String>,
    ) -> Result<Self, FileError> {
        let layout = entity.layout(&header, &claim.mapping, &claim.intake, claim.action_type);
        let Layout { map, .. } = layout.map_err(|problems| {
            let sentences: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
            FileError::File(sentences.join("; "))
        })?;
        entity.check_header(&map, claim.action_type).map_err(FileError::File)?;
        let writer = ChunkWriter::new(
            dependencies.clone(),
            claim.account_id.clone(),
            claim.lease.clone(),
            config.worker.max_chunks_in_flight_per_account.into(),
            claim.recorded.clone(),
        );
        Ok(Self {
            entity,
            action: claim.action_type,
            map,
            seen: claim.deduplicate.then(SeenKeys::default),
            chunk_size: claim.chunk_size,
            chunk_size_bytes: claim.chunk_size_bytes,
            open: (0..claim.partitions).map(|_| (0, ChunkEncoder::new(&header))).collect(),
            header,
            writer,
        })
    }

    async fn add(&mut self, row: Row, record: &Record) -> Result<(), FileError> {
        let checked = self.check(row, record);
        // Refused rows have no identity. Duplicates have one, so they stay in the partition of their first row.
        let identity = checked.as_ref().ok().copied();
        let refusal = match (&checked, identity) {
            (Err((code, sentence)), _) => Some((*code, sentence.as_str())),
            (Ok(_), Some(identity)) if !self.is_first(identity) => {
                Some((RowCode::Duplicate, "an earlier row of this file has the same key"))
            }
            _ => None,
        };
        let partition =
            partition_of(identity, row.number, u16::try_from(self.open.len()).unwrap_or(u16::MAX));
        let (_, chunk) = &mut self.open[partition as usize];
        chunk.push(row.number, refusal, record.iter());
        if chunk.row_count() >= self.chunk_size || chunk.size_bytes() >= self.chunk_size_bytes {
            self.close(partition).await?;
        }
        Ok(())
    }

    fn is_first(&mut self, identity: u128) -> bool {
        self.seen.as_mut().is_none_or(|seen| seen.first_time(identity))
    }

    /// The row's identity, or the reason for refusing it.
    fn check(&self, row: Row, record: &Record) -> Result<u128, (RowCode, String)> {
        if let Some(fault) = row.fault {
            return Err((RowCode::Malformed, fault.sentence(row.line)));
        }
        match self.entity.check_row(&self.map, self.action, record) {
            Ok(row) => Ok(row.identity),
            Err(problems) => Err((RowCode::Invalid, FieldProblem::sentence(&problems))),
        }
    }

    async fn close(&mut self, partition: i16) -> Result<(), FileError> {
        let fresh = ChunkEncoder::new(&self.header);
        let (next_seq, open) = &mut self.open[partition as usize];
        let chunk = std::mem::replace(open, fresh);
        let seq = *next_seq;
        *next_seq += 1;
        let row_count = chunk.row_count();
        Ok(self.writer.write(partition, seq, row_count, chunk.finish()).await?)
    }

    async fn finish(mut self) -> Result<(), FileError> {
        for partition in 0..i16::try_from(self.open.len()).unwrap_or(i16::MAX) {
            if self.open[partition as usize].1.row_count() > 0 {
                self.close(partition).await?;
            }
        }
        Ok(self.writer.finish().await?)
    }
}
