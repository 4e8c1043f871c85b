//! What is known of a file once it has been read: its header, its number of rows, and which columns have values.

use csv_intake::{ReadOptions, Record, Row};

/// Rows with more cells than this are not kept to be looked at again.
const MOST_COLUMNS: usize = 500;

/// Result of reading a file.
#[derive(Debug)]
pub(super) struct Inspection {
    /// The header's names.
    pub(super) header: Vec<String>,
    /// Data rows; at least one.
    pub(super) row_count: u64,
    /// For each column, whether any row has a value in it.
    pub(super) used: Vec<bool>,
    /// For each column, whether every row has a value in it.
    pub(super) full: Vec<bool>,
    /// Encoding, delimiter and the like, as given or detected.
    pub(super) read: ReadOptions,
    /// The first rows, among which the header may be.
    pub(super) first_rows: FirstRows,
}

/// Line and cells of the first rows, where the header stands if something else stands before it.
#[derive(Debug, Default)]
pub(super) struct FirstRows {
    rows: Vec<(u64, Record)>,
    is_sheet: bool,
}

impl FirstRows {
    /// Most rows that stand before a header.
    const MOST: usize = 10;

    /// Keeps a row, if it is one of the first.
    pub(super) fn keep(&mut self, row: Row, record: &Record) {
        if !self.is_full() && record.len() <= MOST_COLUMNS {
            self.rows.push((row.line, record.clone()));
        }
    }

    /// True once no further row is kept.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= Self::MOST
    }

    /// The same rows, of the sheet of a workbook.
    pub(super) fn of_sheet(self) -> Self {
        Self { is_sheet: true, ..self }
    }

    /// Line and cells of each row below this header. In a sheet the line is its row, so line ends inside the cells above it do
    /// not count.
    pub(super) fn below(&self, header: &[String]) -> impl Iterator<Item = (u64, &Record)> {
        let mut inside: u64 = header.iter().map(|name| line_ends(name)).sum();
        self.rows.iter().map(move |(line, record)| {
            let row = line.saturating_sub(inside);
            inside += record.iter().map(line_ends).sum::<u64>();
            (if self.is_sheet { row } else { *line }, record)
        })
    }
}

fn line_ends(cell: &str) -> u64 {
    cell.replace("\r\n", "\n").matches(['\r', '\n']).count() as u64
}
