//! Errors of the configuration: all problems at once, each with a remedy, without the values of secrets.

use std::fmt;

/// A problem with one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name, or `.env` for the file itself.
    pub variable: &'static str,
    /// The problem, as the rest of a sentence that starts with the variable's name.
    pub wrong: String,
    /// The remedy, as an instruction.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.variable, self.wrong, self.remedy)
    }
}

/// The settings cannot be used, so the service does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Every problem found, in the order in which the settings are read. Never empty.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the configuration has a problem")?,
            count => write!(f, "the configuration has {count} problems")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}
