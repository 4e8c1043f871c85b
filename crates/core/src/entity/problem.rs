//! A problem of a declaration, with its place and, if the database differs, the SQL that fixes it.

use std::fmt;

/// A problem of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File that holds the declaration.
    pub file: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// The problem and its remedy.
    pub message: String,
    /// Statements that make the table match the declaration.
    pub sql: Option<String>,
}

impl Problem {
    /// A problem that is fixed in the file.
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
