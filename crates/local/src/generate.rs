//! Generated records: the same rows for the same entity and seed, each with a unique key.

mod contact;
mod declared;
mod order;
mod product;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use bulk_core::entity::{Entities, Entity};
use csv::WriterBuilder;
use fake::rand::rngs::StdRng;
use fake::rand::{RngExt as _, SeedableRng};

/// Generator for the rows of an entity.
struct Recipe {
    header: &'static [&'static str],
    /// Generates row number n.
    row: fn(&mut StdRng, u64) -> Vec<String>,
    /// Rows that must fail, one per rule.
    bad_rows: &'static [&'static [&'static str]],
}

/// Options of the generator.
#[derive(Debug, Clone)]
pub struct Records {
    /// Name of the entity that the rows describe.
    pub entity: Arc<Entity>,
    /// Number of data rows, including bad ones.
    pub rows: u64,
    /// Seed of the values.
    pub seed: u64,
    /// Number of rows that break a rule, at most [`most_bad_rows`]; spread over the file.
    pub bad_rows: u64,
}

/// The entity called `name`, built in or from the directory.
///
/// # Errors
/// If it does not exist, or a declaration is invalid.
pub fn find(name: &str, directory: Option<&Path>) -> Result<Arc<Entity>> {
    let entities = Entities::load(directory).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        anyhow!("{}", lines.join("\n"))
    })?;
    let known = entities.names().join(", ");
    entities.find(name).cloned().with_context(|| format!("there is no entity {name}; there are {known}"))
}

/// Number of different bad rows of an entity.
#[must_use]
pub(crate) fn most_bad_rows(entity: &str) -> u64 {
    recipe(entity).map_or(0, |recipe| recipe.bad_rows.len() as u64)
}

/// Generators of realistic rows.
fn recipe(entity: &str) -> Option<Recipe> {
    match entity {
        "contact" => Some(contact::RECIPE),
        "product" => Some(product::RECIPE),
        "order" => Some(order::RECIPE),
        _ => None,
    }
}

impl Records {
    /// Writes header and rows as CSV.
    pub fn write(&self, output: impl Write) -> Result<()> {
        let mut csv = WriterBuilder::new().flexible(true).from_writer(output);
        let Some(recipe) = recipe(self.entity.name()) else {
            return declared::write(self, &mut csv);
        };
        csv.write_record(recipe.header)?;
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut bad_rows = recipe.bad_rows.iter().take(usize::try_from(self.bad_rows)?);
        let distance = self.rows / (self.bad_rows + 1);
        for row in 1..=self.rows {
            let bad_row = if distance > 0 && row % distance == 0 { bad_rows.next() } else { None };
            match bad_row {
                Some(fields) => csv.write_record(*fields)?,
                None => csv.write_record((recipe.row)(&mut random, row))?,
            }
        }
        Ok(csv.flush()?)
    }
}

/// One of `choices`.
fn pick(random: &mut StdRng, choices: &[&str]) -> String {
    choices[random.random_range(0..choices.len())].to_owned()
}

/// A monetary amount with two decimals.
fn money(random: &mut StdRng, most: u32) -> String {
    format!("{}.{:02}", random.random_range(0..most), random.random_range(0..100_u8))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn text(records: &Records) -> String {
        let mut output = Vec::new();
        records.write(&mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        for entity in Entities::built_in().all() {
            let records = Records { entity: entity.clone(), rows: 50, seed: 7, bad_rows: 4 };
            assert_eq!(text(&records), text(&records));
            assert_ne!(text(&records), text(&Records { seed: 8, ..records.clone() }));
        }
    }

    #[test]
    fn every_row_is_whole_and_has_its_own_key() {
        for entity in Entities::built_in().all() {
            let text = text(&Records { entity: entity.clone(), rows: 5_000, seed: 1, bad_rows: 0 });
            let mut rows = csv::Reader::from_reader(text.as_bytes());
            let keys: HashSet<_> = rows.records().map(|row| row.unwrap()[0].to_owned()).collect();
            assert_eq!(keys.len(), 5_000, "{}", entity.name());
        }
    }

    #[test]
    fn every_kind_of_bad_row_is_there_once() {
        for entity in Entities::built_in().all() {
            for rows in [20, 21, 1_000] {
                let text = text(&Records {
                    entity: entity.clone(),
                    rows,
                    seed: 1,
                    bad_rows: most_bad_rows(entity.name()),
                });
                let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
                let found: Vec<_> = reader.records().map(Result::unwrap).collect();
                assert_eq!(found.len() as u64, rows);
                for bad in recipe(entity.name()).unwrap().bad_rows {
                    assert_eq!(
                        found.iter().filter(|row| row.iter().eq(bad.iter().copied())).count(),
                        1,
                        "{bad:?}"
                    );
                }
            }
        }
    }
}
