//! Selection of a sheet, and its cells as lines of CSV.

use std::io::{self, Write};

use calamine::{Sheet, SheetType, SheetVisible};

use super::WorkbookError;
use crate::HeaderLine;

/// The largest sheet of a spreadsheet program.
const MAX_ROWS: u32 = 1_048_576;
const MAX_COLUMNS: u32 = 16_384;

/// Name of the requested sheet, otherwise of the first visible one with cells.
pub(super) fn choose(sheets: &[Sheet], wanted: Option<&str>) -> Result<String, WorkbookError> {
    let has_cells = |sheet: &&Sheet| sheet.typ == SheetType::WorkSheet;
    let Some(wanted) = wanted else {
        let mut visible =
            sheets.iter().filter(|sheet| sheet.visible == SheetVisible::Visible).filter(has_cells);
        return visible.next().map(|sheet| sheet.name.clone()).ok_or(WorkbookError::NoSheet);
    };
    let is_same = |name: &str| name.trim().to_lowercase() == wanted.trim().to_lowercase();
    let exact = sheets.iter().filter(has_cells).find(|sheet| sheet.name == wanted);
    let found = exact.or_else(|| sheets.iter().filter(has_cells).find(|sheet| is_same(&sheet.name)));
    found.map(|sheet| sheet.name.clone()).ok_or_else(|| WorkbookError::SheetNotFound {
        wanted: wanted.to_owned(),
        there: sheets.iter().filter(has_cells).map(|sheet| sheet.name.clone()).collect(),
    })
}

/// Writes cells, which arrive row by row and from left to right, as CSV.
pub(super) struct SheetText<W: Write> {
    csv: io::BufWriter<W>,
    /// Position of the next cell if none is omitted.
    row: u32,
    column: u32,
    /// First row of which cells are written, from 0.
    first_row: u32,
    /// Number of columns of the first written row with a value, the header. Later rows are padded to it, since omitted cells
    /// are empty ones.
    width: u32,
    written_bytes: u64,
    max_bytes: u64,
    has_value: bool,
}

impl<W: Write> SheetText<W> {
    pub(super) fn new(csv: W, header_row: Option<HeaderLine>, max_bytes: u64) -> Self {
        let csv = io::BufWriter::with_capacity(64 * 1024, csv);
        let first_row = header_row.map_or(0, |row| u32::try_from(row.get() - 1).unwrap_or(MAX_ROWS));
        Self { csv, row: 0, column: 0, first_row, width: 0, written_bytes: 0, max_bytes, has_value: false }
    }

    /// Adds a cell. Omitted rows and cells before it are written as empty.
    pub(super) fn put(&mut self, row: u32, column: u32, value: &str) -> Result<(), WorkbookError> {
        if value.is_empty() {
            return Ok(());
        }
        if row >= MAX_ROWS || column >= MAX_COLUMNS || (row, column) < (self.row, self.column) {
            return Err(WorkbookError::Damaged);
        }
        while self.row < row {
            self.end_line()?;
        }
        self.has_value = true;
        if row < self.first_row {
            return Ok(());
        }
        // The delimiter after the last cell of the line is not written yet.
        let written = self.column.saturating_sub(1);
        for _ in written..column {
            self.write(b",")?;
        }
        self.column = column + 1;
        self.write_value(value)
    }

    /// Ends the last line; returns the size of the text, which is 0 if no cell had a value.
    pub(super) fn finish(mut self) -> Result<u64, WorkbookError> {
        if !self.has_value {
            return Ok(0);
        }
        self.end_line()?;
        self.csv.flush().map_err(WorkbookError::Write)?;
        Ok(self.written_bytes)
    }

    fn end_line(&mut self) -> Result<(), WorkbookError> {
        if self.width == 0 {
            self.width = self.column;
        }
        if self.column > 0 {
            for _ in self.column..self.width {
                self.write(b",")?;
            }
        }
        (self.row, self.column) = (self.row + 1, 0);
        self.write(b"\n")
    }

    fn write_value(&mut self, value: &str) -> Result<(), WorkbookError> {
        if !value.contains(['"', ',', '\r', '\n']) {
            return self.write(value.as_bytes());
        }
        self.write(b"\"")?;
        for (index, part) in value.split('"').enumerate() {
            if index > 0 {
                self.write(b"\"\"")?;
            }
            self.write(part.as_bytes())?;
        }
        self.write(b"\"")
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WorkbookError> {
        self.written_bytes += bytes.len() as u64;
        if self.written_bytes > self.max_bytes {
            return Err(WorkbookError::TooManyBytes { limit_bytes: self.max_bytes });
        }
        self.csv.write_all(bytes).map_err(WorkbookError::Write)
    }
}
