//! Workbooks (`.xlsx`): one sheet as CSV text, as a person sees it. The reader of the text is the one for every other file.
//!
//! A workbook is an archive whose parts can be made to unpack to anything, so [`bounds`] looks at every part, as it really
//! unpacks, before the parser does. The parser then reads cell by cell; what it keeps in memory are the shared strings and
//! the styles, and those are bounded too. All of it blocks: callers run it on a thread for that, and few at a time.

mod bounds;
mod cell;
mod error;
mod kind;
mod sheet;

use std::io::{Read, Seek, SeekFrom, Write};

use calamine::{DataRef, Reader as _, Xlsx};

use cell::CellText;
pub use error::WorkbookError;
pub use kind::{Container, container};
use sheet::SheetText;

/// What was converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// Name of the sheet.
    pub sheet: String,
    /// Bytes of CSV that were written.
    pub csv_bytes: u64,
}

/// Writes the sheet called `sheet`, or the first visible one, to `csv`: UTF-8, commas, LF, one line per row of the sheet
/// so that line numbers are row numbers (but for line ends inside cells).
///
/// # Errors
/// [`WorkbookError`], each with its repair. What was written until then is no whole sheet.
pub fn convert(
    mut source: impl Read + Seek,
    sheet: Option<&str>,
    max_csv_bytes: u64,
    csv: impl Write,
) -> Result<Converted, WorkbookError> {
    kind::check(&mut source)?;
    bounds::check(&mut source)?;
    source.seek(SeekFrom::Start(0)).map_err(WorkbookError::Read)?;
    let mut workbook = Xlsx::new(source).map_err(WorkbookError::from_parser)?;
    let name = sheet::choose(workbook.sheets_metadata(), sheet)?;
    let mut text = SheetText::new(csv, max_csv_bytes);
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(WorkbookError::from_parser)?;
    let formats = CellText::new(cells.styles());
    while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(WorkbookError::from_parser)? {
        if !matches!(cell.get_value(), DataRef::Empty) {
            let (row, column) = cell.get_position();
            text.put(row, column, &formats.text(cell.get_value(), style))?;
        }
    }
    let csv_bytes = text.finish()?;
    if csv_bytes == 0 {
        return Err(WorkbookError::Empty { sheet: name });
    }
    Ok(Converted { sheet: name, csv_bytes })
}

#[cfg(test)]
mod tests;
