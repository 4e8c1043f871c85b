//! Products.

use fake::Fake as _;
use fake::faker::company::en::{BsAdj, BsNoun};
use fake::rand::RngExt as _;
use fake::rand::rngs::StdRng;

use super::{Recipe, money, pick};

pub(super) const CURRENCIES: [&str; 5] = ["EUR", "USD", "GBP", "CHF", "SEK"];

pub(super) const RECIPE: Recipe = Recipe {
    header: &["sku", "name", "price", "currency", "stock"],
    row: product,
    bad_rows: &[
        &["BAD-PRICE", "Three decimals", "1.999", "EUR", "1"],
        &["BAD-SIGN", "Less than nothing", "-1.00", "EUR", "1"],
        &["BAD-CURRENCY", "No such currency", "1.00", "ZZZ", "1"],
        &["BAD-STOCK", "Less than none", "1.00", "EUR", "-1"],
        &["", "No key", "1.00", "EUR", "1"],
        &["TOO-FEW", "Too few fields"],
    ],
};

fn product(random: &mut StdRng, row: u64) -> Vec<String> {
    let (adjective, noun): (&str, &str) = (BsAdj().fake_with_rng(random), BsNoun().fake_with_rng(random));
    vec![
        format!("SKU-{row:08}"),
        format!("{adjective} {noun}"),
        money(random, 500),
        pick(random, &CURRENCIES),
        random.random_range(0..1000_u16).to_string(),
    ]
}
