//! A record as text, in a buffer that is reused for the next one.

use std::fmt;

/// The cells of one record.
///
/// The record's bytes are kept unchanged in one piece, and each cell is a range of them. Only the text of a cell with
/// doubled quotes is written again, after the rest. So a record costs one copy, independent of the number of its cells.
#[derive(Clone, Default)]
pub struct Record {
    text: String,
    /// Start and end of each cell in `text`.
    bounds: Vec<(usize, usize)>,
    /// Cells whose quotes are still doubled; empty after the text is set.
    doubled: Vec<usize>,
}

impl Record {
    /// A record without cells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// True if there are no cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    /// The cell at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        let (start, end) = *self.bounds.get(index)?;
        self.text.get(start..end)
    }

    /// The cells in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        // The scanner splits at ASCII bytes only, so every range consists of whole characters.
        self.bounds.iter().map(|&(start, end)| self.text.get(start..end).unwrap_or_default())
    }

    /// Adds a cell at the end.
    pub fn push(&mut self, cell: &str) {
        let start = self.text.len();
        self.text.push_str(cell);
        self.bounds.push((start, self.text.len()));
    }

    /// Removes every cell from `length` on.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.bounds.truncate(length);
    }

    /// Adds empty cells until there are `length`.
    pub(crate) fn fill_up(&mut self, length: usize) {
        self.bounds.resize(self.bounds.len().max(length), (0, 0));
    }

    /// True if all cells are blank.
    pub(crate) fn is_blank(&self) -> bool {
        self.iter().all(is_blank)
    }

    /// Removes all cells.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.bounds.clear();
        self.doubled.clear();
    }

    /// Records the range of the next cell within the text that [`Record::set_text`] will set.
    pub(crate) fn mark(&mut self, start: usize, end: usize) {
        self.bounds.push((start, end));
    }

    /// Like [`Record::mark`], for a cell whose quotes are doubled.
    pub(crate) fn mark_doubled(&mut self, start: usize, end: usize) {
        self.doubled.push(self.bounds.len());
        self.bounds.push((start, end));
    }

    /// Sets the text in which the cells were marked.
    pub(crate) fn set_text(&mut self, text: &str) {
        self.text.clear();
        self.text.push_str(text);
        for cell in self.doubled.drain(..) {
            let (start, end) = self.bounds[cell];
            let behind = self.text.len();
            let mut is_second = false;
            for piece in text.get(start..end).unwrap_or_default().split_inclusive('"') {
                // Between the two quotes of a pair is nothing, so every second piece is the second quote of a pair.
                if is_second && piece == "\"" {
                    is_second = false;
                    continue;
                }
                self.text.push_str(piece);
                is_second = piece.ends_with('"');
            }
            self.bounds[cell] = (behind, self.text.len());
        }
    }
}

/// True if a cell contains only white space, invisible characters, or the end-of-file mark of old systems.
#[must_use]
pub fn is_blank(cell: &str) -> bool {
    cell.chars().all(is_blank_char)
}

/// True for white space, invisible characters that spreadsheets and web pages leave behind, and Ctrl-Z.
pub(crate) fn is_blank_char(char: char) -> bool {
    char.is_whitespace()
        || matches!(char, '\u{1a}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{180e}')
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Record {}

impl<S: AsRef<str>> FromIterator<S> for Record {
    fn from_iter<I: IntoIterator<Item = S>>(cells: I) -> Self {
        let mut record = Self::new();
        cells.into_iter().for_each(|cell| record.push(cell.as_ref()));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_quotes_become_one() {
        for (raw, expected) in [
            ("\"\"", "\""),
            ("\"\"\"\"", "\"\""),
            ("a\"\"b", "a\"b"),
            ("\"\"a\"\"\"\"", "\"a\"\""),
            ("a", "a"),
        ] {
            let mut record = Record::new();
            record.mark(0, 0);
            record.mark_doubled(0, raw.len());
            record.set_text(raw);
            assert_eq!(record.iter().collect::<Vec<_>>(), ["", expected], "{raw}");
        }
    }

    #[test]
    fn cells_are_compared_and_not_how_they_were_written() {
        let pushed: Record = ["a", "ä\"", ""].into_iter().collect();
        let mut read = Record::new();
        read.mark(0, 1);
        read.mark_doubled(3, 7);
        read.mark(2, 2);
        read.set_text("a,,ä\"\"");
        assert_eq!(read, pushed);
        assert_eq!((read.len(), read.get(1), read.get(3)), (3, Some("ä\""), None));
    }

    #[test]
    fn invisible_characters_are_blank() {
        for cell in ["", " \t", "\u{a0}", "\u{200b}\u{feff}", "\u{1a}", "\n\r"] {
            assert!(is_blank(cell), "{cell:?}");
        }
        assert!(!is_blank("0") && !is_blank(" . "));
    }
}
