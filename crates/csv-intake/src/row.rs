//! A data row: where it is, and what is wrong with its form.

/// Where a data row is in the file, and whether it has the form of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Number of the data row, from 1; blank lines are not counted.
    pub number: u64,
    /// Line of the file on which the row begins, from 1. Every line counts, inside quotes too.
    pub line: u64,
    /// Why it cannot be read as a row of this file. Its cells are then what a person would see on its first line.
    pub fault: Option<RowFault>,
}

/// What is wrong with the form of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// More or fewer cells than the header.
    Cells {
        /// How many it has.
        found: usize,
        /// How many the header has.
        expected: usize,
    },
    /// A quote is opened in this column (from 1) and not closed.
    UnclosedQuote {
        /// The column.
        column: usize,
    },
    /// In this column (from 1) a closing quote is followed by something else than a delimiter or a line end.
    QuoteInside {
        /// The column.
        column: usize,
    },
    /// Longer than may be kept in memory.
    TooLong {
        /// Bytes that are allowed.
        limit_bytes: usize,
    },
}

impl RowFault {
    /// The fault as a sentence about the row on `line`, with what would be right.
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
