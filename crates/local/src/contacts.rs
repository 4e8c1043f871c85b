//! Made-up contacts: the same rows for the same seed, each with an e-mail address of its own.

use std::io::Write;

use anyhow::Result;
use csv::{Writer, WriterBuilder};
use fake::{
    Fake,
    faker::name::en::{FirstName, LastName},
    rand::{RngExt as _, SeedableRng, rngs::StdRng},
};

/// The columns of the file.
const HEADER: [&str; 3] = ["email", "name", "age"];

/// Rows that must fail, one for each rule.
const BAD_ROWS: [&[&str]; 5] = [
    &["not-an-address", "Bad Address", "30"],
    &["too.old@example.com", "Too Old", "999"],
    &["no.number@example.com", "No Number", "abc"],
    &["no.name@example.com", "", "30"],
    &["too.few.fields@example.com", "Too Few Fields"],
];

/// What to generate.
#[derive(Debug, Clone, Copy)]
pub struct Contacts {
    /// Number of data rows, bad ones included.
    pub rows: u64,
    /// Decides the values.
    pub seed: u64,
    /// Number of rows that break a rule, at most [`Contacts::MOST_BAD_ROWS`]; they are spread over the file.
    pub bad_rows: u64,
}

impl Contacts {
    /// As many kinds of bad rows exist.
    pub const MOST_BAD_ROWS: u64 = BAD_ROWS.len() as u64;

    /// Writes header and rows as CSV.
    pub fn write(self, output: impl Write) -> Result<()> {
        let mut csv = WriterBuilder::new().flexible(true).from_writer(output);
        csv.write_record(HEADER)?;
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut bad_rows = BAD_ROWS.iter().take(usize::try_from(self.bad_rows)?);
        let distance = self.rows / (self.bad_rows + 1);
        for row in 1..=self.rows {
            let bad_row = if distance > 0 && row % distance == 0 { bad_rows.next() } else { None };
            match bad_row {
                Some(fields) => csv.write_record(*fields)?,
                None => write_contact(&mut csv, &mut random, row)?,
            }
        }
        Ok(csv.flush()?)
    }
}

fn write_contact(csv: &mut Writer<impl Write>, random: &mut StdRng, row: u64) -> Result<()> {
    let first: &str = FirstName().fake_with_rng(random);
    let last: &str = LastName().fake_with_rng(random);
    let email = format!("{}.{}.{row}@example.com", plain(first), plain(last));
    let age = random.random_range(18..100_u8).to_string();
    Ok(csv.write_record([email, format!("{first} {last}"), age])?)
}

/// The letters of a name, as an address holds them.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn text(contacts: Contacts) -> String {
        let mut output = Vec::new();
        contacts.write(&mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let contacts = Contacts { rows: 50, seed: 7, bad_rows: 5 };
        assert_eq!(text(contacts), text(contacts));
        assert_ne!(text(contacts), text(Contacts { seed: 8, ..contacts }));
    }

    #[test]
    fn every_row_has_its_own_address() {
        let text = text(Contacts { rows: 5_000, seed: 1, bad_rows: 0 });
        let addresses: HashSet<_> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        assert_eq!(addresses.len(), 5_000);
    }

    #[test]
    fn every_kind_of_bad_row_is_there_once() {
        for rows in [10, 11, 1_000] {
            let text = text(Contacts { rows, seed: 1, bad_rows: Contacts::MOST_BAD_ROWS });
            assert_eq!(text.lines().count() as u64, rows + 1);
            for bad in BAD_ROWS {
                assert_eq!(text.lines().filter(|line| *line == bad.join(",")).count(), 1, "{rows} {bad:?}");
            }
        }
    }
}
