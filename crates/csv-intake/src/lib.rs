//! Reading uploaded CSV: one reader for `api`, which counts rows while the upload streams by, and for
//! `chunking-worker`, which reads the stored file again. Both must see the same rows and refuse the same files, whatever
//! the sizes in which the bytes arrive, so everything that decides is here and nothing depends on buffer boundaries.
//!
//! The bytes pass through `decode` (gzip, byte order mark, UTF-16, decoded size), `sniff` (delimiter), `guard` (record
//! size, line numbers, a missing closing quote) and csv-async. Memory stays within [`ReadLimits::max_record_bytes`] and
//! a few buffers for any input. A failure inside a layer travels up as an [`std::io::Error`] that carries a [`CsvError`].

pub mod clean;
mod decode;
mod error;
mod guard;
pub mod header;
mod lines;
mod reader;
mod sniff;
pub mod spreadsheet;
pub mod workbook;

pub use error::CsvError;
pub use reader::{CsvReader, ReadLimits, RowPosition};
pub use sniff::Delimiter;

#[cfg(test)]
mod tests;
