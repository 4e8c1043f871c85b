//! Deletes and counts the rows of one account. The tables of records are not known at compile time, so the statements
//! are built from names. Those names come from declarations and the catalog, never from a request.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::{DbError, cancel_action};
use crate::entity::AccountKind;

/// Rows deleted in one statement.
const ROWS_PER_STATEMENT: i64 = 10_000;

/// A table of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordTable {
    /// Schema.
    pub schema: String,
    /// Name within the schema.
    pub name: String,
    /// Column that holds the account.
    pub account_column: String,
    /// Type of that column. An account id that is not a value of the type has no rows.
    pub account_type: AccountKind,
    /// Column that is unique within the account.
    pub id_column: String,
}

/// An upload in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadUnderWay {
    /// Id that the action would get.
    pub action_id: Uuid,
    /// Id of the unfinished multipart upload.
    pub multipart_id: Option<String>,
}

/// The texts of all entity declarations that were used by an upload.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn kept_declarations(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("SELECT text FROM entity_declarations").fetch_all(pool).await
}

/// True if the table exists.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn table_exists(pool: &PgPool, table: &RecordTable) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT to_regclass($1) IS NOT NULL AS "exists!""#, table.sql())
        .fetch_one(pool)
        .await
}

/// Cancels the account's unfinished actions, and returns how many there were.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn cancel_all(pool: &PgPool, account: &str) -> Result<usize, DbError> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM bulk_actions WHERE account_id = $1 AND completed_at IS NULL",
        account
    )
    .fetch_all(pool)
    .await?;
    for &id in &open {
        // A limit of 0: the account's other actions are cancelled as well, so none of their chunks is released.
        match cancel_action(pool, account, id, 0).await {
            // The action ended in the meantime.
            Ok(_) | Err(DbError::Illegal(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(open.len())
}

/// Milliseconds until no worker can still store an object for an ended action of the account, if a worker takes up to
/// `grace_ms` to notice the end. Zero if no action ended early.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn stragglers_gone_in_ms(pool: &PgPool, account: &str, grace_ms: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT greatest(0, coalesce(
                   (extract(epoch FROM max(a.completed_at) - now()) * 1000)::bigint + $2::bigint, 0)) AS "wait!"
           FROM bulk_actions a
           WHERE a.account_id = $1 AND a.started_at IS NOT NULL
             AND (a.status <> 'completed' OR a.chunking_attempt > 1 OR EXISTS (
                      SELECT FROM bulk_action_chunks c WHERE c.action_id = a.id AND c.attempt > 1))"#,
        account,
        grace_ms,
    )
    .fetch_one(pool)
    .await
}

/// Removes the account's uploads from the table, so that none of them can become an action. The caller removes their
/// objects.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn take_uploads(pool: &PgPool, account: &str) -> sqlx::Result<Vec<UploadUnderWay>> {
    sqlx::query_as!(
        UploadUnderWay,
        "DELETE FROM uploads WHERE account_id = $1 RETURNING action_id, multipart_id",
        account
    )
    .fetch_all(pool)
    .await
}

/// Deletes the account's finished actions with everything that belongs to them, and returns how many there were.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn delete_finished_actions(pool: &PgPool, account: &str) -> sqlx::Result<u64> {
    let mut deleted = 0;
    loop {
        let batch = sqlx::query!(
            "DELETE FROM bulk_actions WHERE id IN (
                 SELECT id FROM bulk_actions WHERE account_id = $1 AND completed_at IS NOT NULL LIMIT 100)",
            account
        )
        .execute(pool)
        .await?;
        deleted += batch.rows_affected();
        if batch.rows_affected() == 0 {
            return Ok(deleted);
        }
    }
}

/// Deletes the account's other rows, apart from actions and records.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn delete_bookkeeping(pool: &PgPool, account: &str) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM idempotency_keys WHERE account_id = $1", account).execute(pool).await?;
    sqlx::query!("DELETE FROM removals WHERE account_id = $1", account).execute(pool).await?;
    sqlx::query!("DELETE FROM account_usage WHERE account_id = $1", account).execute(pool).await?;
    Ok(())
}

/// Deletes the account's rows of a table in batches, and returns how many there were.
///
/// # Errors
/// If the database is unreachable, or the account may not be deleted from this table.
pub(crate) async fn delete_records(pool: &PgPool, table: &RecordTable, account: &str) -> sqlx::Result<u64> {
    let (name, of_account, id) = (table.sql(), table.is_of_account(), quoted(&table.id_column));
    let statement = format!(
        "DELETE FROM {name} WHERE {of_account} AND {id} IN (SELECT {id} FROM {name} WHERE {of_account} LIMIT $2)"
    );
    if !table.can_name(account) {
        return Ok(0);
    }
    let mut deleted = 0;
    loop {
        let batch = sqlx::query(AssertSqlSafe(statement.clone())).bind(account).bind(ROWS_PER_STATEMENT);
        let batch = batch.execute(pool).await?.rows_affected();
        deleted += batch;
        if batch == 0 {
            return Ok(deleted);
        }
    }
}

/// Rows of the account by table: in the given tables, and in every table of the database with a column `account_id`.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub(crate) async fn count_rows(
    pool: &PgPool,
    account: &str,
    records: &[RecordTable],
) -> sqlx::Result<BTreeMap<String, i64>> {
    let named = sqlx::query!(
        r#"SELECT c.table_schema AS "schema!", c.table_name AS "name!"
           FROM information_schema.columns c
           JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
           WHERE c.column_name = 'account_id' AND c.data_type IN ('text', 'character varying')
             AND t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')"#
    )
    .map(|row| RecordTable {
        schema: row.schema,
        name: row.name,
        account_column: "account_id".to_owned(),
        account_type: AccountKind::Text,
        id_column: "account_id".to_owned(),
    })
    .fetch_all(pool)
    .await?;
    let mut counted = BTreeMap::new();
    for table in named.iter().chain(records) {
        let statement = format!("SELECT count(*) FROM {} WHERE {}", table.sql(), table.is_of_account());
        let rows: i64 = if table.can_name(account) {
            sqlx::query_scalar(AssertSqlSafe(statement)).bind(account).fetch_one(pool).await?
        } else {
            0
        };
        counted.insert(format!("{}.{}", table.schema, table.name), rows);
    }
    Ok(counted)
}

impl RecordTable {
    fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    fn is_of_account(&self) -> String {
        let account = match self.account_type {
            AccountKind::Text => "$1::text",
            AccountKind::Uuid => "$1::text::uuid",
            AccountKind::Bigint => "$1::text::bigint",
        };
        format!("{} = {account}", quoted(&self.account_column))
    }

    /// True if the account id is a value of the type of the table's account column.
    fn can_name(&self, account: &str) -> bool {
        match self.account_type {
            AccountKind::Text => true,
            AccountKind::Uuid => Uuid::try_parse(account).is_ok(),
            AccountKind::Bigint => account.parse::<i64>().is_ok(),
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
