//! Contacts.

use fake::Fake as _;
use fake::faker::name::en::{FirstName, LastName};
use fake::rand::RngExt as _;
use fake::rand::rngs::StdRng;

use super::Recipe;

pub(super) const RECIPE: Recipe = Recipe {
    header: &["email", "name", "age"],
    row: contact,
    bad_rows: &[
        &["not-an-address", "Bad Address", "30"],
        &["too.old@example.com", "Too Old", "999"],
        &["no.number@example.com", "No Number", "abc"],
        &["no.name@example.com", "", "30"],
        &["too.few.fields@example.com", "Too Few Fields"],
    ],
};

fn contact(random: &mut StdRng, row: u64) -> Vec<String> {
    let (first, last) = name(random);
    let age = random.random_range(18..100_u8).to_string();
    vec![address(first, last, row), format!("{first} {last}"), age]
}

pub(super) fn name(random: &mut StdRng) -> (&'static str, &'static str) {
    (FirstName().fake_with_rng(random), LastName().fake_with_rng(random))
}

/// An e-mail address that is unique per number.
pub(super) fn address(first: &str, last: &str, number: u64) -> String {
    format!("{}.{}.{number}@example.com", plain(first), plain(last))
}

/// The letters of a name in the form used in an address.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}
