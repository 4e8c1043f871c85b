//! Position and form of a data row.

/// Position of a data row in the file, and its fault, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Number of the data row, from 1; blank lines are not counted.
    pub number: u64,
    /// Line of the file on which the row starts, from 1. Lines inside quotes count too.
    pub line: u64,
    /// Reason why the row is malformed. Its cells are then those of its first line.
    pub fault: Option<RowFault>,
}

/// Fault in the form of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// More or fewer cells than the header.
    Cells {
        /// Number of cells in the row.
        found: usize,
        /// Number of cells in the header.
        expected: usize,
    },
    /// A quote is opened in this column (from 1) and not closed.
    UnclosedQuote {
        /// The column.
        column: usize,
    },
    /// In this column (from 1) a closing quote is followed by something other than a delimiter or a line end.
    QuoteInside {
        /// The column.
        column: usize,
    },
    /// The row exceeds the memory limit.
    TooLong {
        /// Maximum number of bytes.
        limit_bytes: usize,
    },
}

impl RowFault {
    /// The fault as a sentence about the row on `line`, with a remedy.
    #[must_use]
    pub fn sentence(&self, line: u64) -> String {
        match self {
            RowFault::Cells { found, expected } => {
                let fields = if *found == 1 { "field" } else { "fields" };
                format!("line {line} has {found} {fields}, the header has {expected}")
            }
            RowFault::UnclosedQuote { column } => format!(
                "line {line} opens a quote in column {column} that is not closed: close it, or double it if it belongs \
                 to the value"
            ),
            RowFault::QuoteInside { column } => format!(
                "line {line} closes a quote in column {column} before the value ends: double every quote inside a quoted \
                 value"
            ),
            RowFault::TooLong { limit_bytes } => format!(
                "the row that begins on line {line} is longer than {limit_bytes} bytes: is a closing quote missing?"
            ),
        }
    }
}
