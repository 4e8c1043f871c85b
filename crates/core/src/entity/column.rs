//! Columns of an entity, and where an uploaded file has them.

/// What a column's cells must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A UUID.
    Uuid,
    /// Text, kept as it is.
    Text,
    /// A whole number.
    Integer,
    /// A decimal number, kept exactly.
    Decimal,
    /// An RFC 3339 instant, kept to the microsecond.
    Instant,
    /// One of the values that the rule names.
    Choice,
}

impl ColumnKind {
    /// The name used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Instant => "instant",
            Self::Choice => "choice",
        }
    }
}

/// A column of an entity.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in CSV headers and in the API.
    pub name: &'static str,
    /// What its cells look like.
    pub kind: ColumnKind,
    /// A new record needs it.
    pub required: bool,
    /// The rules for its values, as a sentence.
    pub rule: &'static str,
    /// A value that passes.
    pub example: &'static str,
}

/// Where an uploaded file has each of an entity's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap {
    positions: Vec<Option<usize>>,
}

impl ColumnMap {
    /// From the entity column of each uploaded column, for an entity with `column_count` columns.
    #[must_use]
    pub fn new(uploaded: &[usize], column_count: usize) -> Self {
        let mut positions = vec![None; column_count];
        for (position, &column) in uploaded.iter().enumerate() {
            positions[column] = Some(position);
        }
        Self { positions }
    }

    /// The uploaded position of an entity column.
    #[must_use]
    pub fn position(&self, column: usize) -> Option<usize> {
        self.positions[column]
    }

    /// The same file, seen as if it had only the entity columns that `keep` wants.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let positions =
            self.positions.iter().enumerate().map(|(column, &position)| position.filter(|_| keep(column)));
        Self { positions: positions.collect() }
    }
}
