//! A set of row numbers with one bit each: ten million rows take 1.25 MB.

/// Set of row numbers from 1.
pub(super) struct RowBitmap {
    words: Vec<u64>,
}

impl RowBitmap {
    /// An empty set for rows up to `last_row`.
    pub(super) fn new(last_row: u64) -> Self {
        let words = usize::try_from(last_row / 64 + 1).unwrap_or_default();
        Self { words: vec![0; words] }
    }

    /// Adds a row. A row beyond the last one is ignored.
    pub(super) fn insert(&mut self, row: u64) {
        let (word, bit) = place(row);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    /// True if the row was added.
    pub(super) fn contains(&self, row: u64) -> bool {
        let (word, bit) = place(row);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

fn place(row: u64) -> (usize, u64) {
    (usize::try_from(row / 64).unwrap_or(usize::MAX), 1 << (row % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_holds_exactly_the_rows_that_were_inserted() {
        let mut rows = RowBitmap::new(128);
        for row in [1, 63, 64, 128] {
            rows.insert(row);
        }
        rows.insert(10_000);
        let held: Vec<u64> = (0..20_000).filter(|row| rows.contains(*row)).collect();
        assert_eq!(held, [1, 63, 64, 128]);
    }
}
