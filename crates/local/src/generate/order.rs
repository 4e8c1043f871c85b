//! Orders.

use fake::rand::RngExt as _;
use fake::rand::rngs::StdRng;

use super::product::CURRENCIES;
use super::{Recipe, contact, money, pick};

const STATUSES: [&str; 5] = ["pending", "paid", "shipped", "delivered", "cancelled"];

pub(super) const RECIPE: Recipe = Recipe {
    header: &["orderNumber", "contactEmail", "status", "amount", "currency", "orderedAt"],
    row: order,
    bad_rows: &[
        &["BAD-ADDRESS", "nobody", "paid", "1.00", "EUR", "2025-01-31T12:00:00Z"],
        &["BAD-STATUS", "a@example.com", "lost", "1.00", "EUR", "2025-01-31T12:00:00Z"],
        &["BAD-AMOUNT", "a@example.com", "paid", "1,000.00", "EUR", "2025-01-31T12:00:00Z"],
        &["BAD-CURRENCY", "a@example.com", "paid", "1.00", "EURO", "2025-01-31T12:00:00Z"],
        &["BAD-INSTANT", "a@example.com", "paid", "1.00", "EUR", "31.01.2025"],
        &["TOO-FEW", "a@example.com"],
    ],
};

fn order(random: &mut StdRng, row: u64) -> Vec<String> {
    let (first, last) = contact::name(random);
    let number = random.random_range(1..100_000);
    vec![
        format!("2025-{row:08}"),
        contact::address(first, last, number),
        pick(random, &STATUSES),
        money(random, 5_000),
        pick(random, &CURRENCIES),
        instant(random),
    ]
}

/// A random second of 2025. Days above 28 are not used.
fn instant(random: &mut StdRng) -> String {
    let mut part = |range| -> u8 { random.random_range(range) };
    let (month, day) = (part(1..13), part(1..29));
    let (hour, minute, second) = (part(0..24), part(0..60), part(0..60));
    format!("2025-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
