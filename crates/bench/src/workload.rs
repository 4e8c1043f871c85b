//! The rows of one measurement: which, in what order, and as what file.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use api_types::ActionType;
use clap::ValueEnum;
use serde::Serialize;

/// What is done with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// All rows are new.
    Create,
    /// All rows exist.
    Update,
    /// Every second row exists.
    Upsert,
    /// All rows exist.
    Delete,
}

impl Action {
    /// The `actionType` of an upload.
    #[must_use]
    pub fn action_type(self) -> ActionType {
        match self {
            Self::Create => ActionType::Create,
            Self::Update => ActionType::Update,
            Self::Upsert => ActionType::Upsert,
            Self::Delete => ActionType::Delete,
        }
    }

    /// Whether record `number` is in the table before the measurement.
    #[must_use]
    pub fn exists_before(self, number: u32) -> bool {
        match self {
            Self::Create => false,
            Self::Update | Self::Delete => true,
            Self::Upsert => number.is_multiple_of(2),
        }
    }
}

/// What to measure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// What is done with the rows.
    pub action: Action,
    /// Rows of the file.
    pub rows: u32,
    /// How many of a hundred rows concern a record that an earlier row concerns too.
    pub duplicates_percent: u32,
    /// `deduplicate` of the upload.
    pub deduplicate: bool,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The key.
    pub email: String,
    /// A name that no run before has given it.
    pub name: String,
    /// 0 to 99.
    pub age: i32,
}

impl Workload {
    /// Different records that the rows concern; they are numbered from 0.
    #[must_use]
    pub fn records(&self) -> u32 {
        let duplicates = u64::from(self.rows) * u64::from(self.duplicates_percent) / 100;
        (self.rows - u32::try_from(duplicates).unwrap_or(0)).max(1)
    }

    /// The records' numbers in random order, the same for the same seed; the duplicates are among them.
    #[must_use]
    pub fn order(&self, seed: u64) -> Vec<u32> {
        let mut random = fastrand::Rng::with_seed(seed);
        let records = self.records();
        let repeated = std::iter::repeat_with(|| random.u32(..records)).take((self.rows - records) as usize);
        let mut order: Vec<u32> = (0..records).chain(repeated.collect::<Vec<_>>()).collect();
        random.shuffle(&mut order);
        order
    }
}

/// The row that gives record `number` its values of the run `seed`.
#[must_use]
pub fn contact(number: u32, seed: u64) -> Contact {
    Contact {
        email: email(number),
        name: format!("Name {} {number}", seed % 1000),
        age: ((u64::from(number) + seed) % 100) as i32,
    }
}

/// The key of record `number`.
#[must_use]
pub fn email(number: u32) -> String {
    format!("user{number:08}@example.com")
}

/// Writes the rows as CSV.
///
/// # Errors
/// When the file cannot be written.
pub fn write_file(path: &Path, order: &[u32], seed: u64) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    writeln!(file, "email,name,age")?;
    for &number in order {
        let Contact { email, name, age } = contact(number, seed);
        writeln!(file, "{email},{name},{age}")?;
    }
    Ok(file.flush()?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_record_occurs_and_the_rest_are_duplicates() {
        let workload =
            Workload { action: Action::Update, rows: 1000, duplicates_percent: 10, deduplicate: false };
        let order = workload.order(1);
        assert_eq!((order.len(), workload.records()), (1000, 900));
        assert_eq!(order.iter().collect::<HashSet<_>>().len(), 900);
        assert_eq!(order, workload.order(1));
        assert_ne!(order, workload.order(2));
    }
}
