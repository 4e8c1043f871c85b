//! Reads the body to its end: fields into the [`Form`], the file into storage and through the inspector.

use bulk_core::action::Intake;
use bulk_core::config::UploadConfig;
use bulk_core::entity::{Entities, HeaderRules};
use bulk_core::storage::StoredObject;
use bytes::{Bytes, BytesMut};
use csv_intake::workbook::container;
use csv_intake::{Delimiter, FileKind, ReadOptions, TextEncoding};

use super::file_part::{NO_FILE, check_type, is_nothing_chosen, shown_name};
use super::form::{Form, UploadRequest};
use super::header_check::HeaderCheck;
use super::idempotency::PayloadHash;
use super::inspection::Inspection;
use super::inspector::{FileRefusal, Inspector, inspect_stored};
use super::parts::{Part, Parts, too_large};
use super::pending::PendingUpload;
use super::workbook::Spool;
use crate::error::ApiError;

/// Maximum of a file skipped after a rejected field, to check the remaining fields.
const PASSED_OVER_BYTES: usize = 8 * 1024 * 1024;

/// Bytes needed to recognise a workbook under any name.
const KIND_BYTES: usize = 8;

/// An upload with everything that an action needs.
pub(super) struct Received {
    /// The checked fields.
    pub(super) request: UploadRequest,
    /// The client's name for the file.
    pub(super) file_name: String,
    /// The file as stored.
    pub(super) stored: StoredObject,
    /// The workbook that it was made of, as stored.
    pub(super) workbook: Option<StoredObject>,
    /// Data rows.
    pub(super) row_count: u64,
    /// Rules that follow from the header.
    pub(super) rules: HeaderRules,
    /// Hash of fields and file.
    pub(super) payload_hash: [u8; 16],
}

struct ReceivedFile {
    file_name: String,
    hash: PayloadHash,
    content: Content,
}

enum Content {
    /// Text that was stored and read.
    Text {
        stored: StoredObject,
        /// Or the reason for rejecting it, unless it must be read differently.
        inspection: Result<Inspection, ApiError>,
    },
    /// A workbook, stored; its sheet is read when all fields are there.
    Workbook(Spool, StoredObject),
}

/// Reads the body and stores its file. `is_repeat` means that the idempotency key was used before: an upload accepted
/// then is not rejected because its start time has passed.
///
/// # Errors
/// The reason for rejecting the upload, or the failure. The caller discards `pending`.
pub(super) async fn receive(
    parts: &mut Parts,
    pending: &mut PendingUpload,
    entities: &Entities,
    config: &UploadConfig,
    is_repeat: bool,
) -> Result<Received, ApiError> {
    let mut form = Form::new(entities.clone(), pending.account(), is_repeat);
    let (mut file, mut file_seen) = (None, false);
    while let Some(mut part) = parts.next().await? {
        match part.name().map(str::to_owned).as_deref() {
            None => form.refuse("body", "every part needs a name"),
            Some("file") if file_seen => form.refuse("file", "must be given only once"),
            Some("file") => {
                file_seen = true;
                file = receive_file(&mut part, pending, &mut form, config).await?;
            }
            Some(name) => match part.read_text().await {
                Ok(value) => form.add(name, &value),
                Err(error) => return Err(together(form, error)),
            },
        }
        // The remaining fields are still checked, so that one response reports all problems; but a long file is not
        // read for that.
        if form.is_refused() && file_seen && !pass_over(&mut part).await? {
            return Err(form.into_refusal());
        }
    }
    if !file_seen {
        form.refuse("file", "is required");
    }
    complete(form.finish()?, file, pending, config).await
}

/// The problems of the fields so far combined with the error that ends the request.
fn together(mut form: Form, error: ApiError) -> ApiError {
    match error {
        ApiError::Validation(details) => {
            details.into_iter().for_each(|detail| form.refuse(detail.field, detail.message));
            form.into_refusal()
        }
        error => error,
    }
}

async fn complete(
    mut request: UploadRequest,
    file: Option<ReceivedFile>,
    pending: &mut PendingUpload,
    config: &UploadConfig,
) -> Result<Received, ApiError> {
    // Without a file, `form.finish` has already failed.
    let file = file.ok_or_else(|| ApiError::invalid("file", "is required"))?;
    // Hashed after all fields are known, since they may follow the file.
    let payload_hash = file.hash.finish(&request)?;
    let intake = &mut request.configuration.intake;
    let (stored, inspection, workbook) = match file.content {
        Content::Text { stored, inspection } => {
            (stored, settled(inspection, intake.read, pending, config).await?, None)
        }
        Content::Workbook(spool, workbook) => {
            let (stored, inspection) = store_sheet(spool, intake, pending, config).await?;
            (stored, inspection, Some(workbook))
        }
    };
    // From now on every reader uses the options found here.
    intake.read = inspection.read;
    let entity = request.entity.clone();
    let action_type = request.action_type.in_effect(request.configuration.on_conflict);
    let check = HeaderCheck { entity, action_type, configuration: request.configuration.clone() };
    let rules = check.check_used(&inspection)?;
    Ok(Received {
        payload_hash,
        request,
        file_name: file.file_name,
        stored,
        workbook,
        row_count: inspection.row_count,
        rules,
    })
}

/// The inspection under the final fields. Fields after the file may require it to be read differently.
async fn settled(
    inspected: Result<Inspection, ApiError>,
    wanted: ReadOptions,
    pending: &PendingUpload,
    config: &UploadConfig,
) -> Result<Inspection, ApiError> {
    let is_read_so = |read: ReadOptions| {
        wanted.encoding.is_none_or(|encoding| read.encoding == Some(encoding))
            && wanted.delimiter.is_none_or(|delimiter| read.delimiter == Some(delimiter))
            && read.header_line == wanted.header_line
    };
    // The file was read with the final encoding, delimiter and header line; only the handling of short rows may differ, which does
    // not affect reading.
    match inspected {
        Ok(inspection) if is_read_so(inspection.read) => {
            let read = ReadOptions { short_rows: wanted.short_rows, ..inspection.read };
            Ok(Inspection { read, ..inspection })
        }
        // Neither of the fields that could help was given, so reading again would fail in the same way.
        Err(error) if wanted.encoding.is_none() && wanted.header_line.is_none() => Err(error),
        _ => inspect_stored(pending.reopen().await?, config, wanted).await,
    }
}

/// Stores the file; `None` if the form is already rejected.
async fn receive_file(
    part: &mut Part<'_>,
    pending: &mut PendingUpload,
    form: &mut Form,
    config: &UploadConfig,
) -> Result<Option<ReceivedFile>, ApiError> {
    if let Err(refusal) = check_type(part.content_type(), part.file_name()) {
        return Err(called_by_name(part, refusal).await);
    }
    if form.is_refused() {
        return Ok(None);
    }
    let sent_name = part.file_name().map(str::to_owned);
    let mut hash = PayloadHash::default();
    let head = first_bytes(part, KIND_BYTES).await?;
    if is_nothing_chosen(sent_name.as_deref(), head.len() as u64) {
        return Err(ApiError::invalid("file", NO_FILE));
    }
    let content = if container(&head).is_some() {
        receive_workbook(part, head, pending, &mut hash, config).await?
    } else {
        let inspector = FileInspector::start(form, config);
        receive_text(part, head, pending, &mut hash, inspector, config).await?
    };
    Ok(Some(ReceivedFile { file_name: shown_name(sent_name.as_deref()), hash, content }))
}

/// The refusal of a file by its type. Names the kind of file if its first bytes identify it.
pub(super) async fn called_by_name(part: &mut Part<'_>, refusal: ApiError) -> ApiError {
    match first_bytes(part, csv_intake::KIND_BYTES).await.map(|head| FileKind::of_start(&head)) {
        // A workbook would have been accepted under another media type.
        Ok(Some(kind)) if kind != FileKind::Workbook => ApiError::UnsupportedMediaType(kind.to_string()),
        _ => refusal,
    }
}

/// The first bytes of the file: at least `length`, or all of a shorter file.
async fn first_bytes(part: &mut Part<'_>, length: usize) -> Result<Bytes, ApiError> {
    let mut head = BytesMut::new();
    while head.len() < length
        && let Some(piece) = part.next_piece().await?
    {
        head.extend_from_slice(&piece);
    }
    Ok(head.freeze())
}

async fn receive_text(
    part: &mut Part<'_>,
    head: Bytes,
    pending: &mut PendingUpload,
    hash: &mut PayloadHash,
    mut inspector: FileInspector,
    config: &UploadConfig,
) -> Result<Content, ApiError> {
    pending.begin().await?;
    let (mut next, mut size_bytes) = (Some(head).filter(|head| !head.is_empty()), 0);
    while let Some(piece) = next {
        size_bytes += piece.len() as u64;
        if size_bytes > config.max_file_size_bytes {
            return Err(too_large(config.max_file_size_bytes));
        }
        // Before storing: a file that is rejected for good is not stored any further.
        inspector.show(piece.clone()).await?;
        hash.update(&piece);
        pending.write(&piece).await?;
        next = part.next_piece().await?;
    }
    let inspection = inspector.finish().await?;
    Ok(Content::Text { stored: pending.finish().await?, inspection })
}

async fn receive_workbook(
    part: &mut Part<'_>,
    head: Bytes,
    pending: &mut PendingUpload,
    hash: &mut PayloadHash,
    config: &UploadConfig,
) -> Result<Content, ApiError> {
    pending.begin_workbook().await?;
    let mut spool = Spool::new().await?;
    let (mut next, mut size_bytes) = (Some(head), 0);
    while let Some(piece) = next {
        // The limit applies to the packed file here; `convert` limits the text of its sheet.
        size_bytes += piece.len() as u64;
        if size_bytes > config.max_file_size_bytes {
            return Err(too_large(config.max_file_size_bytes));
        }
        hash.update(&piece);
        spool.write(&piece).await?;
        pending.write_workbook(&piece).await?;
        next = part.next_piece().await?;
    }
    Ok(Content::Workbook(spool, pending.finish_workbook().await?))
}

/// Stores the text of a workbook's sheet and reads it like any file.
async fn store_sheet(
    spool: Spool,
    intake: &mut Intake,
    pending: &mut PendingUpload,
    config: &UploadConfig,
) -> Result<(StoredObject, Inspection), ApiError> {
    let mut sheet = spool.convert(intake, config.max_file_size_bytes).await?;
    // The platform wrote this text, so the client's options for encoding and delimiter do not apply. Its lines have the
    // numbers of the sheet's rows, so `headerLine` does.
    let read = ReadOptions {
        encoding: Some(TextEncoding::UTF_8),
        delimiter: Some(Delimiter::Comma),
        header_line: intake.read.header_line,
        short_rows: intake.read.short_rows,
    };
    let inspector = Inspector::start(config, read, None);
    let mut is_refused = false;
    while let Some(piece) = sheet.next_piece().await {
        is_refused = !inspector.show(piece.clone()).await;
        if is_refused {
            break;
        }
        pending.write(&piece).await?;
    }
    // After a rejection the conversion is stopped by dropping `sheet`.
    if !is_refused {
        intake.sheet = Some(sheet.finish().await?);
    }
    let mut inspection = inspector.finish().await.map_err(|refusal| refusal.error)?;
    inspection.first_rows = inspection.first_rows.of_sheet();
    Ok((pending.finish().await?, inspection))
}

/// Inspection of a file while later fields may still change how it is read.
struct FileInspector {
    /// Running until there is a verdict.
    inspector: Option<Inspector>,
    /// A rejection that a later field may change.
    verdict: Option<FileRefusal>,
    /// Fields that have not arrived, and change how a file is read.
    to_come: Vec<&'static str>,
}

impl FileInspector {
    fn start(form: &Form, config: &UploadConfig) -> Self {
        let inspector = Inspector::start(config, form.read_options(), form.header_check());
        let to_come = ["encoding", "headerLine"].into_iter().filter(|field| !form.has(field)).collect();
        Self { inspector: Some(inspector), verdict: None, to_come }
    }

    /// Fails once the file is definitely rejected.
    async fn show(&mut self, piece: Bytes) -> Result<(), ApiError> {
        // A reader that stops early can only have rejected the file; a successful verdict needs the end of the file.
        if let Some(inspector) = &self.inspector
            && !inspector.show(piece).await
            && let Some(inspector) = self.inspector.take()
        {
            let verdict = inspector.finish().await.map(|_| ApiError::internal("the reader stopped early"));
            self.keep(verdict.map_or_else(|refusal| refusal, FileRefusal::from))?;
        }
        Ok(())
    }

    fn keep(&mut self, refusal: FileRefusal) -> Result<(), ApiError> {
        if refusal.remedies.iter().any(|field| self.to_come.contains(field)) {
            self.verdict = Some(refusal);
            return Ok(());
        }
        Err(refusal.error)
    }

    /// The inspection, or the reason for a rejection that a later field may change.
    async fn finish(mut self) -> Result<Result<Inspection, ApiError>, ApiError> {
        if let Some(inspector) = self.inspector.take() {
            match inspector.finish().await {
                Ok(inspection) => return Ok(Ok(inspection)),
                Err(refusal) => self.keep(refusal)?,
            }
        }
        let refusal = self.verdict.ok_or_else(|| ApiError::internal("the reader gave no verdict"))?;
        Ok(Err(refusal.error))
    }
}

/// Skips the rest of a part. Returns false if it is too long.
pub(super) async fn pass_over(part: &mut Part<'_>) -> Result<bool, ApiError> {
    let mut passed_bytes = 0;
    while let Some(piece) = part.next_piece().await? {
        passed_bytes += piece.len();
        if passed_bytes > PASSED_OVER_BYTES {
            return Ok(false);
        }
    }
    Ok(true)
}
