//! The table of records, in the same state before each measurement.

use anyhow::Result;
use sqlx::PgPool;
use uuid::Uuid;

use crate::workload::Workload;

/// Account of all measured rows.
pub const ACCOUNT: &str = "bench";

/// Empties the table, inserts the records that the workload requires, and updates statistics and storage.
///
/// # Errors
/// If the database refuses a statement.
pub async fn prepare(pool: &PgPool, workload: &Workload) -> Result<()> {
    sqlx::query("TRUNCATE contacts").execute(pool).await?;
    let step = match (workload.action.exists_before(0), workload.action.exists_before(1)) {
        (false, _) => None,
        (true, true) => Some(1),
        (true, false) => Some(2),
    };
    if let Some(step) = step {
        sqlx::query(
            "INSERT INTO contacts (account_id, id, email, name, age)
             SELECT $1, gen_random_uuid(), 'user' || lpad(n::text, 8, '0') || '@example.com', 'Before ' || n, n % 100
             FROM generate_series(0, $2 - 1, $3) AS n",
        )
        .bind(ACCOUNT)
        .bind(i64::from(workload.records()))
        .bind(i64::from(step))
        .execute(pool)
        .await?;
    }
    for statement in ["VACUUM (ANALYZE) contacts", "CHECKPOINT"] {
        sqlx::query(statement).execute(pool).await?;
    }
    Ok(())
}

/// Ids of the records in the order of their numbers, if all exist.
///
/// # Errors
/// If the database refuses a statement.
pub async fn ids(pool: &PgPool) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar("SELECT id FROM contacts WHERE account_id = $1 ORDER BY email")
        .bind(ACCOUNT)
        .fetch_all(pool)
        .await?)
}

/// Number of records in the table.
///
/// # Errors
/// If the database refuses a statement.
pub async fn count(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM contacts WHERE account_id = $1")
        .bind(ACCOUNT)
        .fetch_one(pool)
        .await?)
}
