//! Why a file could not be read, told so that both the user (a sentence with the line) and the caller (whose fault, is
//! another try worth it) can act on it.

use std::io;

/// Why reading a CSV file stopped. The message is fit for the user unless the variant is [`CsvError::Io`].
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// No bytes at all, or only a byte order mark and blank lines.
    #[error("the file is empty: it needs a header line and at least one row")]
    Empty,
    /// Bytes that are no text in the file's encoding, or a NUL in the header.
    #[error("line {line} is not valid text: save the file as UTF-8 and upload it again")]
    NotText {
        /// Line of the first invalid byte.
        line: u64,
    },
    /// A record too long to be kept in memory, most often because a quote is never closed.
    #[error(
        "the row that begins on line {line} is longer than {limit_bytes} bytes: is a closing quote missing?"
    )]
    RecordTooLong {
        /// Line on which the record begins.
        line: u64,
        /// The limit, counted over the record's bytes as UTF-8 with its quotes, delimiters and line end.
        limit_bytes: usize,
    },
    /// More data rows than allowed.
    #[error("the file has more than {limit} rows: split it into several files")]
    TooManyRows {
        /// Rows allowed.
        limit: u64,
    },
    /// More bytes than allowed after decompression.
    #[error("the file is larger than {limit_bytes} bytes when decompressed: split it into several files")]
    TooManyBytes {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// A gzip stream that becomes too many times its size.
    #[error(
        "the file becomes more than {limit} times as large when it is unpacked: send it as it is, not packed"
    )]
    TooDense {
        /// How many times its size it may become.
        limit: u64,
    },
    /// A gzip stream that is damaged, cut short or followed by something else.
    #[error("the gzip file is damaged or incomplete ({0}): compress it again")]
    BadGzip(#[source] io::Error),
    /// The file ends inside a quoted field.
    #[error("the row that begins on line {line} opens a quote that is never closed")]
    UnterminatedQuote {
        /// Line on which the record begins.
        line: u64,
    },
    /// The source failed (client, network, storage); says nothing about the file.
    #[error("reading the file failed: {0}")]
    Io(#[source] io::Error),
}

impl CsvError {
    /// True if the file is at fault and will be so again; false if reading failed and is worth another try.
    pub fn is_file_fault(&self) -> bool {
        !matches!(self, CsvError::Io(_))
    }

    /// Wraps the error for its way through layers that only know [`io::Error`].
    pub(super) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// The error that a layer below wrapped with [`CsvError::into_io`]; `otherwise` names an error of any other origin.
    pub(super) fn from_io(error: io::Error, otherwise: fn(io::Error) -> CsvError) -> CsvError {
        error.downcast().unwrap_or_else(otherwise)
    }
}
