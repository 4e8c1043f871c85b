//! Reader of uploaded tables. `api` uses it to count rows during an upload and for previews; `chunking-worker` uses it
//! to read the stored file again. All must see the same rows and refuse the same files, independent of the sizes in which the
//! bytes arrive. So all decisions are made here, and none depends on buffer boundaries.
//!
//! The bytes pass through `decode` (gzip, non-text files, byte order mark, encoding, decoded size) into `text`, which
//! holds the part in memory. `sniff` finds the delimiter, `scan` the ends of records and cells, and `reader` turns them
//! into rows: blank lines, line numbers, and continuing after malformed rows. Memory stays within
//! [`ReadLimits::max_record_bytes`] and a few buffers for any input. An error inside a layer is passed up as an
//! [`std::io::Error`] that contains a [`CsvError`].

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

pub use dialect::{Delimiter, HeaderLine, ReadOptions, ShortRows, TextEncoding};
pub use error::{CsvError, HeaderLineFault};
pub use kind::{FileKind, KIND_BYTES};
pub use reader::{CsvReader, ReadLimits};
pub use record::{Record, is_blank};
pub use row::{Row, RowFault};

#[cfg(test)]
mod tests;
