//! Reads the body to its end: fields into the [`Form`], the file into storage and past the inspector.

use bulk_core::config::UploadConfig;
use bulk_core::entity::{Entities, HeaderRules};
use bulk_core::storage::StoredObject;

use super::file_part::{check_type, shown_name};
use super::form::{Form, UploadRequest};
use super::header_check::HeaderCheck;
use super::idempotency::PayloadHash;
use super::inspector::{Inspection, Inspector};
use super::parts::{Part, Parts, too_large};
use super::pending::PendingUpload;
use crate::error::ApiError;

/// Of a file that comes after a refused field, this much is passed over to see the remaining fields.
const PASSED_OVER_BYTES: usize = 8 * 1024 * 1024;

/// An upload that has everything an action needs.
pub(crate) struct Received {
    /// What the caller wants.
    pub(crate) request: UploadRequest,
    /// The client's name for the file.
    pub(crate) file_name: String,
    /// The file as stored.
    pub(crate) stored: StoredObject,
    /// Data rows.
    pub(crate) row_count: u64,
    /// What follows from the header.
    pub(crate) rules: HeaderRules,
    /// Hash of fields and file.
    pub(crate) payload_hash: [u8; 16],
}

struct ReceivedFile {
    file_name: String,
    hash: PayloadHash,
    stored: StoredObject,
    inspection: Inspection,
}

/// Reads the body and stores its file. `is_repeat` says that the upload's key was used before: what was accepted then is
/// not refused for having become too late.
///
/// # Errors
/// Why the upload is refused, or what failed. The caller discards `pending`.
pub(crate) async fn receive(
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
        if form.is_refused() && file_seen && !pass_over(&mut part).await? {
            return Err(form.into_refusal());
        }
    }
    if !file_seen {
        form.refuse("file", "is required");
    }
    complete(form.finish()?, file)
}

/// Everything that is wrong with the fields so far and the error that ends the request.
fn together(mut form: Form, error: ApiError) -> ApiError {
    match error {
        ApiError::Validation(details) => {
            details.into_iter().for_each(|detail| form.refuse(detail.field, detail.message));
            form.into_refusal()
        }
        error => error,
    }
}

fn complete(request: UploadRequest, file: Option<ReceivedFile>) -> Result<Received, ApiError> {
    // The form is refused wherever there is no file.
    let file = file.ok_or_else(|| ApiError::invalid("file", "is required"))?;
    let entity = request.entity.clone();
    let action_type = request.action_type.in_effect(request.configuration.on_conflict);
    let check = HeaderCheck { entity, action_type, mapping: request.configuration.mapping.clone() };
    let rules = check.check_used(&file.inspection)?;
    Ok(Received {
        payload_hash: file.hash.finish(&request)?,
        request,
        file_name: file.file_name,
        stored: file.stored,
        row_count: file.inspection.row_count,
        rules,
    })
}

/// Stores the file; `None` where the form is refused already.
async fn receive_file(
    part: &mut Part<'_>,
    pending: &mut PendingUpload,
    form: &mut Form,
    config: &UploadConfig,
) -> Result<Option<ReceivedFile>, ApiError> {
    check_type(part.content_type(), part.file_name())?;
    if form.is_refused() {
        return Ok(None);
    }
    let file_name = shown_name(part.file_name());
    pending.begin().await?;
    let inspector = Inspector::start(config, form.header_check());
    let (mut hash, mut size_bytes) = (PayloadHash::default(), 0);
    while let Some(piece) = part.next_piece().await? {
        size_bytes += piece.len() as u64;
        if size_bytes > config.max_file_size_bytes {
            return Err(too_large(config.max_file_size_bytes));
        }
        if !inspector.show(piece.clone()).await {
            break;
        }
        hash.update(&piece);
        pending.write(&piece).await?;
    }
    let inspection = inspector.finish().await?;
    let stored = pending.finish().await?;
    Ok(Some(ReceivedFile { file_name, hash, stored, inspection }))
}

/// Skips the rest of a part; false if that would take too long.
async fn pass_over(part: &mut Part<'_>) -> Result<bool, ApiError> {
    let mut passed_bytes = 0;
    while let Some(piece) = part.next_piece().await? {
        passed_bytes += piece.len();
        if passed_bytes > PASSED_OVER_BYTES {
            return Ok(false);
        }
    }
    Ok(true)
}
