//! Rows of any entity, generated from its declaration alone.

use std::io::Write;

use anyhow::Result;
use bulk_core::entity::{Bounds, Column, Entity, Kind};
use csv::Writer;
use fake::rand::rngs::StdRng;
use fake::rand::{RngExt as _, SeedableRng};

use super::product::CURRENCIES;
use super::{Records, pick};

/// Range of a number whose bounds are open.
const USUAL_SPAN: i64 = 1000;

/// Writes header and rows: every column except the id, or including it if a new record needs one.
pub(super) fn write(records: &Records, csv: &mut Writer<impl Write>) -> Result<()> {
    let entity = &records.entity;
    let columns: Vec<(usize, &Column)> = entity.columns().iter().enumerate().collect();
    let columns: Vec<(usize, &Column)> = columns
        .into_iter()
        .filter(|(place, column)| *place != Entity::ID_COLUMN || column.required)
        .collect();
    csv.write_record(columns.iter().map(|(_, column)| &column.name))?;
    let mut random = StdRng::seed_from_u64(records.seed);
    for row in 1..=records.rows {
        let cell = |(place, column): &(usize, &Column)| {
            let is_name = *place == entity.key_column() || *place == Entity::ID_COLUMN;
            if is_name { unique(column, row) } else { any(&mut random, column) }
        };
        csv.write_record(columns.iter().map(cell).collect::<Vec<_>>())?;
    }
    Ok(csv.flush()?)
}

/// A value that is unique per row.
fn unique(column: &Column, row: u64) -> String {
    match &column.kind {
        Kind::Email => format!("user{row:08}@example.com"),
        Kind::Url => format!("https://example.com/{row:08}"),
        Kind::Integer { range } => (i128::from(range.min.unwrap_or(0)) + i128::from(row)).to_string(),
        Kind::Uuid => format!("{row:032x}"),
        Kind::Text { .. } => format!("{row:08}"),
        _ => column.example.clone(),
    }
}

fn any(random: &mut StdRng, column: &Column) -> String {
    match &column.kind {
        Kind::Integer { range: Bounds { min, max } } => {
            let min = min.unwrap_or_else(|| max.map_or(0, |max| max.saturating_sub(USUAL_SPAN)));
            let max = max.unwrap_or_else(|| min.saturating_add(USUAL_SPAN));
            random.random_range(min..=max).to_string()
        }
        Kind::Boolean => pick(random, &["true", "false"]),
        Kind::Choice { choices } => choices[random.random_range(0..choices.len())].clone(),
        Kind::Currency => pick(random, &CURRENCIES),
        _ => column.example.clone(),
    }
}
