//! Reading uploaded tables: one reader for `api`, which counts rows while the upload streams by and looks at files before
//! they are uploaded, and for `chunking-worker`, which reads the stored file again. All must see the same rows and refuse
//! the same files, whatever the sizes in which the bytes arrive, so everything that decides is here and nothing depends on
//! buffer boundaries.
//!
//! The bytes pass through `decode` (gzip, what is no text, byte order mark, encoding, decoded size) into `text`, which
//! holds the part that is looked at. `sniff` finds the delimiter, `scan` the ends of records and cells, and `reader` makes
//! rows of them: blank lines, line numbers, what goes on after a row that is malformed. Memory stays within
//! [`ReadLimits::max_record_bytes`] and a few buffers for any input. A failure inside a layer travels up as an
//! [`std::io::Error`] that carries a [`CsvError`].

pub mod clean;
mod decode;
mod dialect;
mod encoding;
mod error;
pub mod header;
mod kind;
mod lines;
mod reader;
mod record;
mod row;
mod scan;
mod sniff;
pub mod spreadsheet;
mod text;
pub mod workbook;

pub use dialect::{Delimiter, ReadOptions, ShortRows, TextEncoding};
pub use error::CsvError;
pub use kind::{FileKind, KIND_BYTES};
pub use reader::{CsvReader, ReadLimits};
pub use record::{Record, is_blank};
pub use row::{Row, RowFault};

#[cfg(test)]
mod tests;
