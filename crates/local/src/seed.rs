//! `local seed`: made-up records straight into the database, for whoever wants a filled one without an upload.
//!
//! The rows are those that `generate` writes for the same seed, with ids that follow from account and key. So a
//! repetition finds its records and changes nothing, and adds what is missing when it is asked for more rows.

use std::io::Cursor;

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    generate::{EntityKind, Records},
    token::check_account,
};

/// Rows of a statement; larger ones were not faster (docs/performance.md).
const BATCH: usize = 1000;

/// What to put where.
#[derive(Debug)]
pub struct SeedOptions {
    /// The records.
    pub records: Records,
    /// Whose they are.
    pub account: String,
}

/// The table of an entity, and its columns in the order of the generated ones, with their types.
struct Target {
    table: &'static str,
    key: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

const fn target(entity: EntityKind) -> Target {
    match entity {
        EntityKind::Contact => Target {
            table: "contacts",
            key: "email",
            columns: &[("email", "text"), ("name", "text"), ("age", "integer")],
        },
        EntityKind::Product => Target {
            table: "products",
            key: "sku",
            columns: &[
                ("sku", "text"),
                ("name", "text"),
                ("price", "numeric"),
                ("currency", "text"),
                ("stock", "integer"),
            ],
        },
        EntityKind::Order => Target {
            table: "orders",
            key: "order_number",
            columns: &[
                ("order_number", "text"),
                ("contact_email", "text"),
                ("status", "text"),
                ("amount", "numeric"),
                ("currency", "text"),
                ("ordered_at", "timestamptz"),
            ],
        },
    }
}

/// Puts the records there, a batch in each transaction, and returns how many were not there before.
///
/// # Errors
/// When the database cannot be reached, lacks the schema or refuses.
pub async fn seed(options: &SeedOptions, database_url: &str) -> Result<u64> {
    check_account(&options.account)?;
    let mut text = Vec::new();
    options.records.write(&mut text)?;
    let mut rows = csv::Reader::from_reader(Cursor::new(text));
    let target = target(options.records.entity);
    let statement = insert(&target);
    let mut connection = PgConnection::connect(database_url).await.context("cannot reach the database")?;
    let mut batch = vec![Vec::with_capacity(BATCH); target.columns.len()];
    let mut added = 0;
    for row in rows.records() {
        for (column, value) in batch.iter_mut().zip(&row?) {
            column.push(value.to_owned());
        }
        if batch[0].len() == BATCH {
            added += put(&mut connection, &statement, &options.account, &mut batch).await?;
        }
    }
    added += put(&mut connection, &statement, &options.account, &mut batch).await?;
    connection.close().await?;
    Ok(added)
}

/// One statement for a whole batch: every column is an array of texts, which the statement casts.
fn insert(target: &Target) -> String {
    let list = |each: &dyn Fn(usize, &(&str, &str)) -> String| {
        target.columns.iter().enumerate().map(|(n, column)| each(n, column)).collect::<Vec<_>>().join(", ")
    };
    format!(
        "INSERT INTO {table} (account_id, id, {names}) \
         SELECT $1, md5($1 || '/' || row.{key})::uuid, {casts} FROM unnest({arrays}) AS row ({names}) \
         ON CONFLICT DO NOTHING",
        table = target.table,
        key = target.key,
        names = list(&|_, (name, _)| (*name).to_owned()),
        casts = list(&|_, (name, kind)| format!("row.{name}::{kind}")),
        arrays = list(&|n, _| format!("${}::text[]", n + 2)),
    )
}

async fn put(
    connection: &mut PgConnection,
    statement: &str,
    account: &str,
    batch: &mut [Vec<String>],
) -> Result<u64> {
    // Names of tables and columns are those above; values are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement.to_owned())).bind(account.to_owned());
    for column in batch {
        query = query.bind(std::mem::take(column));
    }
    Ok(query.execute(connection).await?.rows_affected())
}
