//! What an entity declares.

use validator::Validate;

use super::record::Record;
use super::{Cells, Column};

/// The declaration of an entity; its implementor is the row type, whose `validator` rules are the entity's rules.
pub trait Entity: Record + Validate {
    /// The name in `entityType`.
    const TYPE: &'static str;
    /// The columns, in the order of the template.
    const COLUMNS: &'static [Column];
    /// Index of the column `id` in [`Self::COLUMNS`].
    const ID_COLUMN: usize;
    /// Index of the key's column in [`Self::COLUMNS`].
    const KEY_COLUMN: usize;

    /// Reads a row; a value that cannot be read is left out and remembered in `cells`.
    fn read(cells: &mut Cells<'_>) -> Self;

    /// Name of the first column that a new record needs and the row has no value for.
    fn missing(&self) -> Option<&'static str> {
        let mut columns = Self::COLUMNS.iter().enumerate();
        columns.find(|(index, column)| column.required && !self.has(*index)).map(|(_, column)| column.name)
    }
}
