//! Upload: from a multipart body to a recorded action, or to nothing.
//!
//! The file goes two ways at once, piece by piece: into object storage ([`pending`]) and through an
//! [`inspector`], which counts its rows and reads its header. Until the action is committed everything stored is
//! pending: if the request is rejected, fails or is dropped because the client disconnected, it is removed again.

mod cut;
mod file_part;
mod form;
mod header_check;
mod idempotency;
mod inspection;
mod inspector;
mod look;
mod multipart;
mod pace;
mod part_head;
mod parts;
mod pending;
mod receive;
mod record;
mod workbook;

pub(crate) use file_part::TABLE_TYPES;
pub(crate) use form::{FIELDS, InspectionForm, UploadForm};
pub(crate) use idempotency::{IdempotencyKeyText, idempotency_key};
pub(crate) use look::{Look, LookedAtColumn, LookedAtRow, look};
pub(crate) use parts::{Parts, check_content_length};
pub(crate) use record::{Recorded, record};
