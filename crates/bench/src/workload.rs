//! The rows of a measurement: content, order and file.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use api_types::ActionType;
use clap::ValueEnum;
use serde::Serialize;
use uuid::Uuid;

/// Operation of a workload.
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

    /// True if record `number` exists before the measurement.
    #[must_use]
    pub fn exists_before(self, number: u32) -> bool {
        match self {
            Self::Create => false,
            Self::Update | Self::Delete => true,
            Self::Upsert => number.is_multiple_of(2),
        }
    }
}

/// Columns of the file that identify a row's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// `email`, the key.
    Email,
    /// `id`.
    Id,
    /// `id` and `email`, as in an export.
    Both,
}

impl Identity {
    /// True if the file has a column `id`, which only existing records have.
    #[must_use]
    pub fn has_id(self) -> bool {
        self != Self::Email
    }

    /// True if the file has a column `email`.
    #[must_use]
    pub(crate) fn has_email(self) -> bool {
        self != Self::Id
    }
}

/// Definition of a measurement.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Operation applied to each row.
    pub action: Action,
    /// Columns that identify the record.
    pub identity: Identity,
    /// Rows of the file.
    pub rows: u32,
    /// Percentage of rows for a record that already occurred.
    pub duplicates_percent: u32,
    /// The upload's option `deduplicate`.
    pub deduplicate: bool,
}

/// A row.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The key.
    pub email: String,
    /// A name that no earlier run has used.
    pub name: String,
    /// 0 to 99.
    pub age: i32,
}

impl Workload {
    /// Number of different records, numbered from 0.
    #[must_use]
    pub fn records(&self) -> u32 {
        let duplicates = u64::from(self.rows) * u64::from(self.duplicates_percent) / 100;
        (self.rows - u32::try_from(duplicates).unwrap_or(0)).max(1)
    }

    /// The record numbers in random order, including duplicates; the same for the same seed.
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

/// The row for record `number` in the run with this `seed`.
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

/// Writes the rows as CSV. `ids` has the id of each record by its number; it may be empty if the identity does not use
/// ids.
///
/// # Errors
/// If the file cannot be written, or a record has no id.
pub fn write_file(path: &Path, identity: Identity, ids: &[Uuid], order: &[u32], seed: u64) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    if identity.has_id() {
        write!(file, "id,")?;
    }
    writeln!(file, "{}name,age", if identity.has_email() { "email," } else { "" })?;
    for &number in order {
        let Contact { email, name, age } = contact(number, seed);
        if identity.has_id() {
            let id = ids.get(number as usize).with_context(|| format!("record {number} has no id"))?;
            write!(file, "{id},")?;
        }
        if identity.has_email() {
            write!(file, "{email},")?;
        }
        writeln!(file, "{name},{age}")?;
    }
    Ok(file.flush()?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_record_occurs_and_the_rest_are_duplicates() {
        let workload = Workload {
            action: Action::Update,
            identity: Identity::Email,
            rows: 1000,
            duplicates_percent: 10,
            deduplicate: false,
        };
        let order = workload.order(1);
        assert_eq!((order.len(), workload.records()), (1000, 900));
        assert_eq!(order.iter().collect::<HashSet<_>>().len(), 900);
        assert_eq!(order, workload.order(1));
        assert_ne!(order, workload.order(2));
    }
}
