//! One record as text, in memory that is used again for the next.

use std::fmt;

/// The cells of one record.
///
/// The record's bytes are kept as they came, in one piece, and each cell is a range of them; only a cell with doubled
/// quotes has its text written again, behind the rest. So a record costs one copy, however many cells it has.
#[derive(Clone, Default)]
pub struct Record {
    text: String,
    /// Start and end of each cell in `text`.
    bounds: Vec<(usize, usize)>,
    /// Cells that still have their quotes doubled; empty once the text is set.
    doubled: Vec<usize>,
}

impl Record {
    /// A record without cells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many cells there are.
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
        // The scanner cuts at ASCII bytes only, so every range is one of whole characters.
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

    /// Whether no cell holds anything but white space.
    pub(crate) fn is_blank(&self) -> bool {
        self.iter().all(is_blank)
    }

    /// Forgets the cells.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.bounds.clear();
        self.doubled.clear();
    }

    /// Notes where the next cell is in the text that [`Record::set_text`] will bring.
    pub(crate) fn mark(&mut self, start: usize, end: usize) {
        self.bounds.push((start, end));
    }

    /// Like [`Record::mark`], for a cell whose quotes are doubled.
    pub(crate) fn mark_doubled(&mut self, start: usize, end: usize) {
        self.doubled.push(self.bounds.len());
        self.bounds.push((start, end));
    }

    /// Takes the text in which the cells were marked.
    pub(crate) fn set_text(&mut self, text: &str) {
        self.text.clear();
        self.text.push_str(text);
        for cell in self.doubled.drain(..) {
            let (start, end) = self.bounds[cell];
            let behind = self.text.len();
            let mut is_second = false;
            for piece in text.get(start..end).unwrap_or_default().split_inclusive('"') {
                // Between two quotes of a pair there is nothing, so every second piece is the pair's second half.
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

/// Whether a cell holds nothing but white space, marks that nobody sees, or the end-of-file mark of old systems.
#[must_use]
pub fn is_blank(cell: &str) -> bool {
    cell.chars().all(is_blank_char)
}

/// White space, a character without a glyph that spreadsheets and web pages leave behind, or Ctrl-Z.
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
    fn what_nobody_sees_is_blank() {
        for cell in ["", " \t", "\u{a0}", "\u{200b}\u{feff}", "\u{1a}", "\n\r"] {
            assert!(is_blank(cell), "{cell:?}");
        }
        assert!(!is_blank("0") && !is_blank(" . "));
    }
}
