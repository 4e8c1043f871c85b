//! Converts a sheet of a workbook to CSV, as an upload does: `workbook FILE.xlsx [SHEET] > sheet.csv`.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader};

use csv_intake::workbook;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a workbook")?;
    let file = BufReader::new(File::open(path)?);
    workbook::convert(file, arguments.next().as_deref(), None, u64::MAX, io::stdout().lock())?;
    Ok(())
}
