//! What is wrong with a declaration, with the place to look at and, where the database is what differs, the SQL that mends it.

use std::fmt;

/// One thing that is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File that holds the declaration.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Statements that would make the table fit the declaration.
    pub sql: Option<String>,
}

impl Problem {
    /// A problem whose repair is in the file.
    pub(super) fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into(), sql: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)?;
        for line in self.sql.iter().flat_map(|sql| sql.lines()) {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}
