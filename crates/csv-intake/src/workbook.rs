//! Workbooks (`.xlsx`): one sheet as CSV text, with its values as displayed. The text is read by the same reader as
//! every other file.
//!
//! A workbook is an archive whose parts can expand to anything, so [`bounds`] unpacks and checks every part before the
//! parser does. The parser reads cell by cell; it keeps shared strings and styles in memory, whose sizes are limited
//! too. All of this blocks, so callers run it on a separate thread, and only a few at a time.

mod bounds;
mod cell;
mod error;
mod kind;
mod sheet;

use std::io::{Read, Seek, SeekFrom, Write};

use calamine::{DataRef, Reader as _, Xlsx};

use crate::HeaderLine;
use cell::CellText;
pub use error::WorkbookError;
pub use kind::{Container, container};
use sheet::SheetText;

/// Writes the sheet called `sheet`, or the first visible one, to `csv`: UTF-8, commas, LF, one line per row of the
/// sheet, so that line numbers are row numbers (except after line ends inside cells). Of the rows above `header_row`, if it
/// is named, only the line ends are written, so that it is that line of the text. Returns the name of the sheet.
///
/// # Errors
/// [`WorkbookError`], each with a remedy. The output so far is then incomplete.
pub fn convert(
    mut source: impl Read + Seek,
    sheet: Option<&str>,
    header_row: Option<HeaderLine>,
    max_csv_bytes: u64,
    csv: impl Write,
) -> Result<String, WorkbookError> {
    kind::check(&mut source)?;
    bounds::check(&mut source)?;
    source.seek(SeekFrom::Start(0)).map_err(WorkbookError::Read)?;
    let mut workbook = Xlsx::new(source).map_err(WorkbookError::from_parser)?;
    let name = sheet::choose(workbook.sheets_metadata(), sheet)?;
    let mut text = SheetText::new(csv, header_row, max_csv_bytes);
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(WorkbookError::from_parser)?;
    let formats = CellText::new(cells.styles());
    while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(WorkbookError::from_parser)? {
        if !matches!(cell.get_value(), DataRef::Empty) {
            let (row, column) = cell.get_position();
            text.put(row, column, &formats.text(cell.get_value(), style))?;
        }
    }
    match text.finish()? {
        0 => Err(WorkbookError::Empty { sheet: name }),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests;
