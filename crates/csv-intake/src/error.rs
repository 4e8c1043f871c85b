//! Errors of reading a file, with a message for the user that names the line, and a classification for the caller: an
//! error of the file, or a failure worth a retry.

use std::io;

use super::dialect::TextEncoding;
use super::kind::FileKind;

/// Reason why reading a CSV file stopped. The message is suitable for the user unless the variant is [`CsvError::Io`].
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// No bytes, or only a byte order mark and blank lines.
    #[error("the file is empty: it needs a header line and at least one row")]
    Empty,
    /// Something other than a text table.
    #[error("{0}")]
    NotCsv(FileKind),
    /// Bytes that are not text in the file's encoding, or a NUL in the header.
    #[error("{}", not_text(*line, *declared, *likely))]
    NotText {
        /// Line of the first invalid byte.
        line: u64,
        /// Encoding named by the sender.
        declared: Option<TextEncoding>,
        /// The encoding that it seems to be in; UTF-8 where all but a few bytes are.
        likely: Option<TextEncoding>,
    },
    /// Text in UTF-8 that its sender says to be in another encoding, which would change every letter beyond ASCII.
    #[error(
        "the file is UTF-8 and not {}, the encoding named for it: send it without `encoding`, or with encoding=utf-8",
        declared.name()
    )]
    IsUtf8 {
        /// The encoding that the sender named.
        declared: TextEncoding,
    },
    /// A header longer than the memory limit, usually because a quote is never closed.
    #[error("the header on line {line} is longer than {limit_bytes} bytes: is a closing quote missing?")]
    HeaderTooLong {
        /// Line on which the header starts.
        line: u64,
        /// The limit in bytes of UTF-8, including quotes, delimiters and line end.
        limit_bytes: usize,
    },
    /// Invalid quotes in the header.
    #[error(
        "in the header on line {line} the quotes of column {column} do not fit: a quoted name ends with a quote that is \
         followed by a delimiter or the line's end, and a quote inside it is doubled"
    )]
    HeaderQuotes {
        /// Line on which the header starts.
        line: u64,
        /// The column, from 1.
        column: usize,
    },
    /// No header on the line that was named as the header's.
    #[error("{}", no_header(*line, *fault))]
    HeaderLine {
        /// The line.
        line: u64,
        /// Reason.
        fault: HeaderLineFault,
    },
    /// A `sep=…` line with an unknown delimiter.
    #[error(
        "line {line} says that the columns are separated by something else than a comma, a semicolon, a tab or a pipe: \
         use one of them"
    )]
    UnknownSeparator {
        /// The line.
        line: u64,
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
    /// A gzip stream with too much expansion.
    #[error(
        "the file becomes more than {limit} times as large when it is unpacked: send it as it is, not packed"
    )]
    TooDense {
        /// Maximum expansion.
        limit: u64,
    },
    /// A gzip stream that is damaged, truncated or followed by something else.
    #[error("the gzip file is damaged or incomplete ({0}): compress it again")]
    BadGzip(#[source] io::Error),
    /// The source failed (client, network, storage); the file itself may be valid.
    #[error("reading the file failed: {0}")]
    Io(#[source] io::Error),
}

/// Reason why there is no header on the line that was named as the header's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderLineFault {
    /// The file ends before the line.
    BeyondEnd,
    /// Only the start of the file was read, and it ends before the line.
    BeyondStart,
    /// The line is blank.
    Blank,
    /// The line is a `sep=` line, which declares the delimiter.
    Separator,
}

fn no_header(line: u64, fault: HeaderLineFault) -> String {
    let found = match fault {
        HeaderLineFault::BeyondEnd => format!("the file ends before line {line}"),
        HeaderLineFault::BeyondStart => {
            format!("the part of the file that was looked at ends before line {line}")
        }
        HeaderLineFault::Blank => format!("line {line} is blank"),
        HeaderLineFault::Separator => format!("line {line} only says how the columns are separated"),
    };
    format!(
        "{found}: name the line on which the names of the columns stand, or leave `headerLine` out, and the first line \
         that is not blank is taken"
    )
}

fn not_text(line: u64, declared: Option<TextEncoding>, likely: Option<TextEncoding>) -> String {
    let repair = "save the file as UTF-8 and upload it again";
    // `encoding` takes labels in any case; people write them in small letters.
    let label = |encoding: TextEncoding| encoding.name().to_lowercase();
    match (declared, likely) {
        (None, None) => format!("line {line} is not valid text: {repair}"),
        (_, Some(likely)) if likely == TextEncoding::UTF_8 => format!(
            "line {line} is not valid UTF-8, although the rest of the file is: correct that line, which may come from \
             another program, and upload the file again"
        ),
        (None, Some(likely)) => format!(
            "line {line} is not valid UTF-8; the file looks like {likely}: send it with encoding={likely}, or {repair}",
            likely = label(likely)
        ),
        (Some(declared), Some(likely)) if likely != declared => format!(
            "line {line} is not valid {}, the encoding named for this file; it looks like {likely}: send it with \
             encoding={likely}, or {repair}",
            declared.name(),
            likely = label(likely)
        ),
        (Some(declared), _) => {
            format!(
                "line {line} is not valid {}, the encoding named for this file: {repair}",
                declared.name()
            )
        }
    }
}

impl CsvError {
    /// True if the file is invalid, so that a retry fails too; false if reading failed and may be retried.
    #[must_use]
    pub fn is_file_fault(&self) -> bool {
        !matches!(self, CsvError::Io(_))
    }

    /// Wraps the error for layers that only pass on [`io::Error`].
    pub(super) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// The error that a lower layer wrapped with [`CsvError::into_io`]; `otherwise` converts an error of any other
    /// origin.
    pub(super) fn from_io(error: io::Error, otherwise: fn(io::Error) -> CsvError) -> CsvError {
        error.downcast().unwrap_or_else(otherwise)
    }
}
