//! `local seed`: inserts generated records directly into the database, for a filled database without an upload.
//!
//! The rows are those of `generate` for the same seed, with ids derived from account and key. So a repetition finds its
//! records and changes nothing, and a repetition with more rows adds the missing ones.

use std::io::Cursor;

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use bulk_core::entity::{Column, Entity, IdKind, quoted};

use crate::generate::Records;
use crate::token::check_account;

/// Rows per statement; larger batches were not faster (benches/HISTORY.md).
const BATCH: usize = 1000;

/// Options of the seeding.
#[derive(Debug)]
pub struct SeedOptions {
    /// The records.
    pub records: Records,
    /// Account that owns them.
    pub account: String,
}

/// Inserts the records in one transaction per batch, and returns how many are new.
///
/// # Errors
/// If the database cannot be reached, lacks the schema or refuses a statement.
pub async fn seed(options: &SeedOptions, database_url: &str) -> Result<u64> {
    check_account(&options.account)?;
    let mut text = Vec::new();
    options.records.write(&mut text)?;
    let mut rows = csv::Reader::from_reader(Cursor::new(text));
    let entity = &options.records.entity;
    let columns = seeded_columns(entity, rows.headers()?)?;
    let statement = insert(entity, &columns);
    let mut connection = PgConnection::connect(database_url).await.context("cannot reach the database")?;
    let mut batch = vec![Vec::with_capacity(BATCH); columns.len()];
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

/// The statement for a batch: every column is an array of texts, which the statement casts.
fn insert(entity: &Entity, columns: &[&Column]) -> String {
    let list = |each: &dyn Fn(usize, &Column) -> String| {
        columns.iter().enumerate().map(|(n, column)| each(n, column)).collect::<Vec<_>>().join(", ")
    };
    let (account, id) = (entity.account(), entity.id());
    // The same key gives the same id, so that a repetition finds its own records.
    let (id_name, id_value) = if id.generated {
        (String::new(), String::new())
    } else {
        let hash = format!("md5($1 || '/' || row.{})", quoted(&entity.key().sql));
        let value = match id.kind {
            IdKind::Uuid => format!("{hash}::uuid, "),
            IdKind::Bigint => format!("('x' || right({hash}, 15))::bit(60)::bigint, "),
        };
        (format!("{}, ", quoted(&id.sql)), value)
    };
    format!(
        "INSERT INTO {table} ({account}, {id_name}{names}) \
         SELECT $1::{account_type}, {id_value}{casts} FROM unnest({arrays}) AS row ({names}) \
         ON CONFLICT DO NOTHING",
        table = entity.table_sql(),
        account = quoted(&account.sql),
        account_type = account.kind.sql_type(),
        names = list(&|_, column| quoted(&column.sql)),
        casts = list(&|_, column| format!("row.{}::{}", quoted(&column.sql), column.kind.sql_type())),
        arrays = list(&|n, _| format!("${}::text[]", n + 2)),
    )
}

/// The columns of the generated rows.
fn seeded_columns<'e>(entity: &'e Entity, header: &csv::StringRecord) -> Result<Vec<&'e Column>> {
    let column = |name: &str| entity.columns().iter().find(|column| column.name == name);
    header.iter().map(|name| column(name).with_context(|| format!("there is no column {name}"))).collect()
}

async fn put(
    connection: &mut PgConnection,
    statement: &str,
    account: &str,
    batch: &mut [Vec<String>],
) -> Result<u64> {
    // The names are those of a checked declaration and quoted; values are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement.to_owned())).bind(account.to_owned());
    for column in batch {
        query = query.bind(std::mem::take(column));
    }
    Ok(query.execute(connection).await?.rows_affected())
}
