//! Errors of reading a workbook, with remedies.

use std::io;

use calamine::XlsxError;

/// Number of sheets listed if the requested one does not exist.
const NAMED_SHEETS: usize = 20;

/// Reason why a workbook could not be converted. The message is suitable for the user unless the variant is
/// [`WorkbookError::Read`] or [`WorkbookError::Write`].
#[derive(Debug, thiserror::Error)]
pub enum WorkbookError {
    /// Encrypted.
    #[error("the workbook is protected by a password: save it without one and upload it again")]
    Protected,
    /// A workbook of Excel 97 to 2003, or of another old program.
    #[error("the workbook is of the old kind (.xls): save it as .xlsx or as CSV and upload that")]
    Legacy,
    /// `.ods`
    #[error("the file is an OpenDocument spreadsheet (.ods): save it as .xlsx or as CSV and upload that")]
    OpenDocument,
    /// `.xlsb`
    #[error("the file is a binary workbook (.xlsb): save it as .xlsx or as CSV and upload that")]
    Binary,
    /// An archive of files.
    #[error(
        "the file is a zip archive and no workbook: unpack it and upload the CSV file or the .xlsx workbook that is in it"
    )]
    Archive,
    /// Another document or program.
    #[error("the file is {0} and no workbook: save its table as CSV or as an .xlsx workbook and upload that")]
    Other(&'static str),
    /// Truncated, changed or written incorrectly.
    #[error(
        "the workbook is damaged or incomplete: open it in a spreadsheet program, save it as .xlsx and upload that"
    )]
    Damaged,
    /// No cell of the sheet has a value.
    #[error("the sheet `{sheet}` is empty: it needs a header row and at least one row")]
    Empty {
        /// The sheet.
        sheet: String,
    },
    /// Every sheet is hidden, or a chart.
    #[error("the workbook has no visible sheet with cells: name the one to read in `sheet`")]
    NoSheet,
    /// There is no sheet with the requested name.
    #[error("the workbook has no sheet `{wanted}`; it has {}", list(.there))]
    SheetNotFound {
        /// Requested name.
        wanted: String,
        /// Existing sheets.
        there: Vec<String>,
    },
    /// Unpacks to more than a legitimate workbook needs.
    #[error("the workbook is too large ({0}): save the sheet as CSV and upload that")]
    TooLarge(&'static str),
    /// The sheet is larger than an upload may be.
    #[error("the sheet is larger than {limit_bytes} bytes as text: split it into several files")]
    TooManyBytes {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// The file could not be read; it may be valid.
    #[error("reading the workbook failed: {0}")]
    Read(#[source] io::Error),
    /// The text could not be written; the file may be valid.
    #[error("writing the sheet failed: {0}")]
    Write(#[source] io::Error),
}

impl WorkbookError {
    /// True if the file is invalid, so that a retry fails too.
    #[must_use]
    pub fn is_file_fault(&self) -> bool {
        !matches!(self, Self::Read(_) | Self::Write(_))
    }

    /// The parser runs on a file that was checked before, so an error means damage.
    pub(super) fn from_parser(error: XlsxError) -> Self {
        match error {
            XlsxError::Password => Self::Protected,
            XlsxError::Io(error) if is_of_the_source(&error) => Self::Read(error),
            XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_) => Self::NoSheet,
            _ => Self::Damaged,
        }
    }

    /// An error of unpacking.
    pub(super) fn from_unpacking(error: io::Error) -> Self {
        if is_of_the_source(&error) { Self::Read(error) } else { Self::Damaged }
    }
}

/// The unpacker reports damage as invalid data or an early end; other errors come from the source.
fn is_of_the_source(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::Other
    )
}

fn list(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(NAMED_SHEETS).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMED_SHEETS);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
