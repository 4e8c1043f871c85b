//! From a multipart body to an action, or to nothing at all.
//!
//! The file goes two ways at once, piece by piece: into object storage ([`PendingUpload`]) and through an [`inspector`]
//! that counts its rows and reads its header. Until the action is committed everything stored is pending: whichever way
//! the request ends, by refusal, failure or a caller who hangs up, what was stored is removed again.

mod cut;
mod file_part;
mod form;
mod header_check;
mod idempotency;
mod inspector;
mod look;
mod multipart;
mod pace;
mod part_head;
mod parts;
mod pending;
mod receive;
mod workbook;

pub(crate) use cut::{Cut, cut};
pub(crate) use idempotency::idempotency_key;
pub(crate) use look::{Look, LookedAtColumn, LookedAtRow, look};
pub(crate) use parts::{Parts, check_content_length};
pub(crate) use pending::PendingUpload;
pub(crate) use receive::{Received, receive};
