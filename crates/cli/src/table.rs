//! Aligned columns.

use console::measure_text_width;

use crate::output::printable;

/// Lines of `rows` under `header`, each column as wide as its widest cell.
pub(crate) fn lines<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let header = header.map(str::to_owned);
    let clean = |row: &[String; N]| row.clone().map(|cell| printable(&cell).replace(['\n', '\t'], " "));
    let rows: Vec<[String; N]> = std::iter::once(&header).chain(rows).map(clean).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let padding = " ".repeat(width - measure_text_width(cell));
            format!("{cell}{padding}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".to_owned(), "täglich".to_owned()], ["1000".to_owned(), "日本".to_owned()]];
        assert_eq!(lines(["ROWS", "FILE"], &rows), ["ROWS  FILE", "1     täglich", "1000  日本"]);
    }
}
